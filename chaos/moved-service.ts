// Runs the service as a process of its own, with a moved clock and without upkeep in the background.
import { pino } from 'pino'
import { readConfig } from '../src/config/index.ts'
import { startService } from '../src/service.ts'
import { MovedClock, type MovedDays } from './moved-clock.ts'
import { credentials } from './numbered-request.ts'

export interface MovedServiceOptions {
  readonly url: string
  readonly port: number
  readonly days: MovedDays
}

process.once('message', async ({ url, port, days }: MovedServiceOptions) => {
  const config = readConfig({ ...credentials, MAINTENANCE: 'off' })
  const log = pino({ level: 'silent' })
  const { app } = await startService(config, url, log, { clock: new MovedClock(days) })
  await app.listen({ port, host: '127.0.0.1' })
  process.once('message', () => void app.close().then(() => process.exit()))
  process.send?.('listening')
})
process.once('disconnect', () => process.exit())
process.on('SIGINT', () => {})
