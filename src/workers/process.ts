import cluster, { type Worker } from 'node:cluster'
import { tell } from './reports.ts'

/** In the environment of a worker. A process manager may set the variables of `node:cluster` for its own purposes. */
export const IS_WORKER = 'NIGHTPOST_WORKER'

/** Milliseconds from the end of the drain to the end of a worker. It limits itself to 30 s. */
const END_LIMIT = 35_000

/**
 * Starts the process of a worker. If the system refuses it, calls `onRefused` with the error, and returns null or a worker that
 * has ended: depending on the error, Node throws it or reports it later.
 */
export function fork(number: number, onRefused: (error: NodeJS.ErrnoException) => void): Worker | null {
  let worker: Worker
  try {
    worker = cluster.fork({ [IS_WORKER]: String(number) })
  } catch (error) {
    onRefused(error as NodeJS.ErrnoException)
    return null
  }
  // Other errors, such as that of a message to a worker that just died, are noticed by its end.
  worker.on('error', (error) => isRefused(worker) && onRefused(error))
  return worker
}

const isRefused = (worker: Worker) => worker.process.pid === undefined

/** Resolves with the exit code of a worker; null if a signal ended it, or if the system refused the process. */
export function exitOf(worker: Worker): Promise<number | null> {
  return new Promise((resolve) => {
    worker.once('exit', resolve)
    // A refused process has no exit.
    worker.on('error', () => isRefused(worker) && resolve(null))
  })
}

/** Ends a worker, if need be by force. Returns its exit code. */
export async function endOf(worker: Worker): Promise<number | null> {
  if (worker.isDead()) return worker.process.exitCode
  const limit = setTimeout(() => worker.process.kill('SIGKILL'), END_LIMIT)
  tell(worker, { kind: 'end' })
  const code = await exitOf(worker)
  clearTimeout(limit)
  return code
}
