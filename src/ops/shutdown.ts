import type { FastifyInstance } from 'fastify'

/** Milliseconds within which every taken delivery is answered. It is less than `CONNECTIONS_MS`, so that answers arrive. */
const ANSWERS_MS = 8_000

/** Milliseconds after which connections are cut: one that never finishes its request must not keep the process. */
const CONNECTIONS_MS = 10_000

export function cutConnectionsOnClose(app: FastifyInstance): void {
  app.addHook('preClose', async () => {
    setTimeout(() => app.server.closeAllConnections(), CONNECTIONS_MS).unref()
  })
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
