import { availableParallelism } from 'node:os'
import { getHeapStatistics } from 'node:v8'
import type { Config } from '../config/index.ts'

/** How many processes receive deliveries: `WORKERS`, and with `auto` one for each core that this process may use. */
export const workerCount = ({ WORKERS }: Pick<Config, 'WORKERS'>): number =>
  WORKERS === 'auto' ? availableParallelism() : Number(WORKERS)

/** Megabytes. With less a worker could not judge a large body. */
const SMALLEST_HEAP = 128

/** The heap of each of so many workers in megabytes: together they may have what V8 would give to one process. */
export const heapOfEach = (workers: number, limit = getHeapStatistics().heap_size_limit): number =>
  Math.max(SMALLEST_HEAP, Math.floor(limit / 2 ** 20 / workers))
