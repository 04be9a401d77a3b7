import type { Vendor } from '../contract/vendor.ts'
import { asleep } from './asleep/index.ts'
import { sahha } from './sahha/index.ts'

/** Every vendor that Nightpost receives from. To add one, add its folder and its name here: see `contract/vendor.ts`. */
export const vendors: readonly Vendor[] = [asleep, sahha]
