import { createServer } from 'node:net'

/** `preferred` if that port is free, otherwise one that the system picks. 0 lets the system pick. */
export async function freePort(preferred: number): Promise<number> {
  return (await listenOnce(preferred)) ?? (await listenOnce(0)) ?? preferred
}

/** Listens on the port and stops. Returns the port, or undefined if it is in use. */
function listenOnce(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(undefined))
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' ? address?.port : undefined))
    })
  })
}
