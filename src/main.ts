import { setTimeout as sleep } from 'node:timers/promises'
import closeWithGrace from 'close-with-grace'
import { banner, exitWith, listsWithComma, loadConfig, withCredentials } from './config/index.ts'
import { DATA_DIRECTORY, openDatabase } from './db/connect/open.ts'
import { createLog } from './ops/log.ts'
import { startService } from './service.ts'

const SHUTDOWN_LIMIT = 30_000

const { config, generated } = credentialsOrExit()
const log = createLog(config.LOG_LEVEL, config.NODE_ENV === 'production')
for (const setting of listsWithComma(config)) {
  log.warn({ setting }, 'a secret in the file holds a comma: each line is one secret')
}
const database = await openDatabase(config).catch(exitWith)
let close = () => database.release()

const delay = SHUTDOWN_LIMIT + config.SHUTDOWN_DELAY_SECONDS * 1000
closeWithGrace({ delay, logger: log }, async ({ err, signal }) => {
  if (err) log.fatal({ err }, 'stopping after a failure')
  else log.info({ signal }, 'stopping')
  await close()
})

const { app, drain } = await startService(config, database.url, log).catch(endStart)
close = async () => {
  drain()
  await sleep(config.SHUTDOWN_DELAY_SECONDS * 1000)
  await app.close()
  await database.release()
}
const address = await app.listen({ host: config.HOST, port: config.PORT }).catch(endStart)
if (config.NODE_ENV !== 'production') {
  process.stdout.write(
    banner(config, { address, databaseUrl: database.url, embedded: database.embedded, generated }),
  )
}

function credentialsOrExit() {
  try {
    return withCredentials(loadConfig(), DATA_DIRECTORY)
  } catch (error) {
    // Nothing was received yet: what the file system says of .data/ can quote nobody.
    return exitWith(error as Error)
  }
}

/** Nothing was received yet, so the message can quote nobody: whoever starts the service needs to read it. */
async function endStart(error: Error): Promise<never> {
  await close()
  return exitWith(error)
}
