import closeWithGrace from 'close-with-grace'
import { banner } from './banner.ts'
import { ConfigError } from './config.ts'
import { withCredentials } from './credentials.ts'
import { DATA_DIRECTORY, openDatabase } from './db/open.ts'
import { exitWith, loadConfig } from './environment.ts'
import { createLog } from './log.ts'
import { startService } from './service.ts'

const SHUTDOWN_LIMIT = 30_000

const { config, generated } = credentialsOrExit()
const log = createLog(config.LOG_LEVEL, config.NODE_ENV === 'production')
const database = await openDatabase(config).catch(exitWith)
let close = () => database.release()

closeWithGrace({ delay: SHUTDOWN_LIMIT, logger: log }, async ({ err, signal }) => {
  if (err) log.fatal({ err }, 'stopping after a failure')
  else log.info({ signal }, 'stopping')
  await close()
})

const { app } = await startService(config, database.url, log).catch(endStart)
close = async () => {
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
    if (error instanceof ConfigError) exitWith(error)
    throw error
  }
}

/** Nothing was received yet, so the message can quote nobody: whoever starts the service needs to read it. */
async function endStart(error: Error): Promise<never> {
  await close()
  return exitWith(error)
}
