import type { Vendor } from '../contract/vendor.ts'
import { asleep } from './asleep/index.ts'
import { sahha } from './sahha/index.ts'

/** Every vendor that Nightpost receives from: a new one is its folder and its name here. */
export const vendors: readonly Vendor[] = [asleep, sahha]
