import type { FastifyInstance } from 'fastify'

export interface ServerReport {
  /** Resident memory in bytes. */
  readonly rss: number
  /** Groups that were committed, and the deliveries in them. */
  readonly groups: number
  readonly deliveries: number
}

/** Listens, sends the port to the parent process, answers its messages, and exits when the parent does. */
export async function serve(app: FastifyInstance, report: () => Omit<ServerReport, 'rss'>): Promise<void> {
  await app.listen({ port: 0, host: '127.0.0.1' })
  process.on('message', (question) => {
    if (question === 'report') process.send?.({ rss: process.memoryUsage.rss(), ...report() })
    if (question === 'close') void app.close().then(() => process.exit(0))
  })
  process.on('disconnect', () => process.exit(1))
  process.send?.({ port: (app.server.address() as { port: number }).port })
}
