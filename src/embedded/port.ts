import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'

/** The port of the first embedded server of a machine, and how many ports above it are tried before any other. */
const FIRST_PORT = 54329
const NEIGHBOURS = 50

/**
 * The port for the server of `directory`: the one that it had last, or the first free one from 54329 on. So saved
 * connections of SQL clients stay valid, and clones side by side each settle on a port of their own.
 */
export async function usualPort(directory: string): Promise<number> {
  const last = lastPort(directory)
  const candidates = Array.from({ length: NEIGHBOURS }, (_, at) => FIRST_PORT + at)
  for (const port of last === undefined ? candidates : [last, ...candidates]) {
    if (await isFree(port)) return port
  }
  return freePort(0)
}

const fileIn = (directory: string) => join(directory, 'port')

function lastPort(directory: string): number | undefined {
  try {
    const port = Number(readFileSync(fileIn(directory), 'utf8'))
    return Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined
  } catch {
    return undefined
  }
}

/** Keeps the port that the server of `directory` has. */
export function keepPort(directory: string, port: number): void {
  if (lastPort(directory) !== port) writeFileSync(fileIn(directory), `${port}\n`)
}

/** `preferred` if that port is free, otherwise one that the system picks. 0 lets the system pick. */
export async function freePort(preferred: number): Promise<number> {
  return (await listenOnce(preferred)) ?? (await listenOnce(0)) ?? preferred
}

export const isFree = async (port: number) => (await listenOnce(port)) !== undefined

/** Listens on the port and stops. Returns the port, or undefined if it is in use. */
function listenOnce(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(undefined))
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      const found = typeof address === 'object' ? address?.port : undefined
      server.close(() => resolve(found))
    })
  })
}
