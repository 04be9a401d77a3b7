import type { FastifyInstance } from 'fastify'

export interface ServerReport {
  /** Resident memory in bytes. */
  readonly rss: number
  /** Seconds of CPU time since the start. */
  readonly cpu: number
  /** Groups that were committed, and the deliveries in them. */
  readonly groups: number
  readonly deliveries: number
}

/** Listens, sends the port to the parent process, answers its messages, and exits when the parent does. */
export async function serve(
  app: FastifyInstance,
  report: () => Omit<ServerReport, 'rss' | 'cpu'>,
): Promise<void> {
  await app.listen({ port: 0, host: '127.0.0.1' })
  process.on('message', (question) => {
    if (question === 'report') {
      const { user, system } = process.cpuUsage()
      process.send?.({ rss: process.memoryUsage.rss(), cpu: (user + system) / 1e6, ...report() })
    }
    if (question === 'close') void app.close().then(() => process.exit(0))
  })
  process.on('disconnect', () => process.exit(1))
  process.send?.({ port: (app.server.address() as { port: number }).port })
}
