import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'

/** Starts a file of this directory as a child process. If this file is compiled, so is the other: `.ts` becomes `.js`. */
export function forkFile(
  file: string,
  environment: Record<string, string>,
  nodeOptions: string[] = [],
): ChildProcess {
  return fork(join(import.meta.dirname, file.replace('.ts', import.meta.filename.slice(-3))), {
    execArgv: nodeOptions,
    env: { PATH: process.env.PATH, ...environment },
    serialization: 'advanced',
  })
}

/** The next message from the child. Rejects if it exits before. */
export function nextMessage<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const fail = (code: number | null) => reject(new Error(`The child process exited with status ${code}.`))
    child.once('exit', fail)
    child.once('message', (message) => {
      child.off('exit', fail)
      resolve(message as T)
    })
  })
}

/** Sends a message and returns the reply. */
export function ask<T>(child: ChildProcess, message: string | object): Promise<T> {
  const reply = nextMessage<T>(child)
  child.send(message)
  return reply
}
