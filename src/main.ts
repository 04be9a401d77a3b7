import { setTimeout as sleep } from 'node:timers/promises'
import closeWithGrace from 'close-with-grace'
import {
  banner,
  exitWith,
  keepConsoleToken,
  listsWithComma,
  loadConfig,
  withConsoleToken,
  withCredentials,
} from './config/index.ts'
import { DEFAULT_PORT, listenConsole } from './console/listen.ts'
import { DATA_DIRECTORY, openDatabase } from './db/connect/open.ts'
import { createLog } from './ops/log.ts'
import { hasPages } from './ops/openapi.ts'
import { startTracing } from './ops/tracing/index.ts'
import { credentialsFragment } from './ops/try-out.ts'
import { addressOf, startService } from './service.ts'
import { listenError, startError } from './start/errors.ts'
import { startSummary } from './start/summary.ts'
import { vendors } from './vendors/index.ts'

/** Milliseconds after which a shutdown is forced, not counting SHUTDOWN_DELAY_SECONDS. */
const SHUTDOWN_LIMIT = 30_000

const loaded = loadConfig()
const { config, generated } = credentialsOrExit()
const log = createLog(config.LOG_LEVEL, config.NODE_ENV === 'production')
for (const setting of listsWithComma(config)) {
  log.warn({ setting }, 'a secret in the file contains a comma: each line is one secret')
}
const tracing = await startTracing(log).catch((error) => exitWith(startError(error, config)))
const database = await openDatabase(config).catch((error) => exitWith(startError(error, config)))
const { fields, text } = startSummary(config, database.url)
log.info(fields, text)
let close = () => database.release()

const delay = SHUTDOWN_LIMIT + config.SHUTDOWN_DELAY_SECONDS * 1000
closeWithGrace({ delay, logger: log }, async ({ err, signal }) => {
  if (err) log.fatal({ err }, 'stopping after a failure')
  else log.info({ signal }, 'stopping')
  await close()
})

const {
  app,
  console: pages,
  drain,
} = await startService(config, database.url, log).catch((error) => closeAndExit(startError(error, config)))
close = async () => {
  drain()
  await sleep(config.SHUTDOWN_DELAY_SECONDS * 1000)
  await app.close()
  await tracing.close()
  await database.release()
}
const address = await app
  .listen({ host: config.HOST, port: config.PORT })
  .catch((error) => closeAndExit(listenError(error, config)))
if (pages) {
  const listener = { HOST: config.CONSOLE_HOST, PORT: config.CONSOLE_PORT ?? DEFAULT_PORT }
  await listenConsole(pages, config).catch((error) => closeAndExit(listenError(error, listener, 'CONSOLE_')))
}
if (config.NODE_ENV !== 'production') {
  const { url: databaseUrl, embedded } = database
  process.stdout.write(banner(config, { address, databaseUrl, embedded, generated }))
  if (generated && hasPages(config)) {
    const link = `${address}/docs/${credentialsFragment(vendors, config.credentials)}`
    process.stdout.write(`Try it in a browser, with these credentials filled in\n  ${link}\n\n`)
  }
  // A browser keeps the fragment to itself. The script of the page logs in with it.
  const token = loaded.CONSOLE_TOKEN === undefined ? config.CONSOLE_TOKEN : undefined
  if (token !== undefined) keepConsoleToken(token, DATA_DIRECTORY)
  if (pages)
    process.stdout.write(
      `See what arrives, in the console\n  ${addressOf(pages)}/login${token ? `#${token}` : ''}\n\n`,
    )
}

function credentialsOrExit() {
  try {
    const { config, generated } = withCredentials(loaded, DATA_DIRECTORY)
    return { config: withConsoleToken(config, DATA_DIRECTORY), generated }
  } catch (error) {
    return exitWith(startError(error, loaded))
  }
}

/** Prints the reason. It contains no personal data, because no delivery was received yet. */
async function closeAndExit(reason: string): Promise<never> {
  await close()
  return exitWith(reason)
}
