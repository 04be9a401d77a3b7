import { setTimeout as sleep } from 'node:timers/promises'
import closeWithGrace from 'close-with-grace'
import { banner, exitWith, listsWithComma, loadConfig, withCredentials } from './config/index.ts'
import { DATA_DIRECTORY, openDatabase } from './db/connect/open.ts'
import { createLog } from './ops/log.ts'
import { startTracing } from './ops/tracing/index.ts'
import { startService } from './service.ts'

/** Milliseconds after which a shutdown is forced, not counting SHUTDOWN_DELAY_SECONDS. */
const SHUTDOWN_LIMIT = 30_000

const { config, generated } = credentialsOrExit()
const log = createLog(config.LOG_LEVEL, config.NODE_ENV === 'production')
for (const setting of listsWithComma(config)) {
  log.warn({ setting }, 'a secret in the file contains a comma: each line is one secret')
}
const tracing = await startTracing(log).catch(exitWith)
const database = await openDatabase(config).catch(exitWith)
let close = () => database.release()

const delay = SHUTDOWN_LIMIT + config.SHUTDOWN_DELAY_SECONDS * 1000
closeWithGrace({ delay, logger: log }, async ({ err, signal }) => {
  if (err) log.fatal({ err }, 'stopping after a failure')
  else log.info({ signal }, 'stopping')
  await close()
})

const { app, drain } = await startService(config, database.url, log).catch(closeAndExit)
close = async () => {
  drain()
  await sleep(config.SHUTDOWN_DELAY_SECONDS * 1000)
  await app.close()
  await tracing.close()
  await database.release()
}
const address = await app.listen({ host: config.HOST, port: config.PORT }).catch(closeAndExit)
if (config.NODE_ENV !== 'production') {
  const { url: databaseUrl, embedded } = database
  process.stdout.write(banner(config, { address, databaseUrl, embedded, generated }))
}

function credentialsOrExit() {
  try {
    return withCredentials(loadConfig(), DATA_DIRECTORY)
  } catch (error) {
    return exitWith(error as Error)
  }
}

/** Prints the error's message. It contains no personal data, because no delivery was received yet. */
async function closeAndExit(error: Error): Promise<never> {
  await close()
  return exitWith(error)
}
