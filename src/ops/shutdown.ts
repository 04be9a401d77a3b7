import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'

/** Milliseconds within which every taken delivery is answered. It is less than `CONNECTIONS_MS`, so that answers arrive. */
const ANSWERS_MS = 8_000

/** Milliseconds after which connections are cut: one that never finishes its request must not keep the process. */
const CONNECTIONS_MS = 10_000

/** Milliseconds after which connections that have sent nothing are cut. A request may be on its way when the app closes. */
const SILENT_MS = 1_000

/** When the app closes, cuts connections that have sent nothing after a moment, and every other one after a limit. */
export function cutConnectionsOnClose(app: FastifyInstance): void {
  const open = new Set<Socket>()
  app.server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  app.addHook('preClose', async () => {
    // The immediate comes after bytes that have already arrived were read.
    setTimeout(() => setImmediate(() => cutSilent(open)), SILENT_MS).unref()
    setTimeout(() => app.server.closeAllConnections(), CONNECTIONS_MS).unref()
  })
}

function cutSilent(sockets: Iterable<Socket>): void {
  for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy()
}

interface ClosingStore {
  /** Answers every delivery within so many milliseconds, and takes no further one. */
  shortenDeadlines(milliseconds: number): void
}

/**
 * Makes `app.close()` answer all deliveries in time, even if Postgres does not respond, and then run `steps`, one after
 * the other: they release what the service holds.
 */
export function closeInOrder(
  app: FastifyInstance,
  store: ClosingStore,
  steps: ReadonlyArray<() => unknown>,
): void {
  app.addHook('preClose', async () => store.shortenDeadlines(ANSWERS_MS))
  app.addHook('onClose', async () => {
    for (const step of steps) await step()
  })
}
