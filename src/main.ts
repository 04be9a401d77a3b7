import cluster from 'node:cluster'
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import closeWithGrace from 'close-with-grace'
import {
  banner,
  type Config,
  exitWith,
  keepConsoleToken,
  listsWithComma,
  loadConfig,
  withConsoleToken,
  withCredentials,
} from './config/index.ts'
import { DEFAULT_PORT, listenConsole } from './console/listen.ts'
import { DATA_DIRECTORY, type Database, openDatabase } from './db/connect/open.ts'
import { warnOfFewConnections } from './db/connect/room.ts'
import { migrate } from './db/migrate/migrate.ts'
import { createLog } from './ops/log.ts'
import type { Place, Service } from './service.ts'
import { listenError, startError } from './start/errors.ts'
import { startSummary } from './start/summary.ts'
import { vendors } from './vendors/index.ts'
import { heapOfEach, workerCount } from './workers/count.ts'
import { Member } from './workers/member.ts'
import type { Listening } from './workers/messages.ts'
import { IS_WORKER } from './workers/process.ts'
import { Supervisor } from './workers/supervisor.ts'

/** Milliseconds after which a shutdown is forced, not counting SHUTDOWN_DELAY_SECONDS. */
const SHUTDOWN_LIMIT = 30_000

/** Milliseconds for which a worker that is replaced goes on at least, so that clients learn that their connections close. */
const SHORTEST_ROLL = 2_000

const isWorker = cluster.isWorker && process.env[IS_WORKER] !== undefined
const loaded = loadConfig({ isQuiet: isWorker })
const { config, generated } = credentialsOrExit()
if (isWorker) await runWorker()
else if (workerCount(config) > 1) await runSupervisor()
else await runAlone()

// What only some of these processes need is loaded by them: the supervisor would hold 30 MiB of code for nothing.

/** One process for everything: WORKERS=1. */
async function runAlone(): Promise<void> {
  const log = createLog(config.LOG_LEVEL, config.NODE_ENV === 'production')
  warnOfCommas(log)
  const [{ startTracing }, { startService }] = await loadService()
  const tracing = await startTracing(log).catch((error) => exitWith(startError(error, config)))
  const database = await openOrExit(log)
  let close = () => database.release()
  const delay = SHUTDOWN_LIMIT + config.SHUTDOWN_DELAY_SECONDS * 1000
  closeWithGrace({ delay, logger: log }, async ({ err, signal }) => {
    logEnd(log, err, signal)
    await close()
  })
  const fail = async (reason: string): Promise<never> => {
    await close()
    return exitWith(reason)
  }
  const service = await startService(config, database.url, log).catch((error) =>
    fail(startError(error, config)),
  )
  close = async () => {
    service.drain()
    await sleep(config.SHUTDOWN_DELAY_SECONDS * 1000)
    await service.app.close()
    await tracing.close()
    await database.release()
  }
  await announce(database, await listen(service, config, fail))
}

/** The process that starts the workers. It has the database and the signals, and receives no delivery itself. */
async function runSupervisor(): Promise<void> {
  const log = createLog(config.LOG_LEVEL, config.NODE_ENV === 'production', { process: 'supervisor' })
  warnOfCommas(log)
  const workers = workerCount(config)
  const database = await openOrExit(log)
  let close = () => database.release()
  const delay = SHUTDOWN_LIMIT + config.SHUTDOWN_DELAY_SECONDS * 1000
  // At a terminal SIGHUP means that it was closed.
  const skip: Array<'SIGHUP'> = process.stdin.isTTY ? [] : ['SIGHUP']
  let roll = () => {}
  for (const signal of skip) process.on(signal, () => roll())
  let isStopping = false
  closeWithGrace({ delay, logger: log, skip }, async ({ err, signal }) => {
    isStopping = true
    logEnd(log, err, signal)
    await close()
  })
  const fail = async (reason: string): Promise<never> => {
    await close()
    return exitWith(reason)
  }
  const targets = vendors.flatMap((vendor) => vendor.targets)
  await migrate(database, log, { targets }).catch((error) => fail(startError(error, config)))
  await warnOfFewConnections(database, workers, log).catch(() => {})
  const supervisor = new Supervisor({
    ...{ log, workers, heapOfEach: heapOfEach(workers) },
    rollDelay: Math.max(SHORTEST_ROLL, config.SHUTDOWN_DELAY_SECONDS * 1000),
    orders: {
      databaseUrl: database.url,
      logIdKey: config.LOG_ID_KEY ?? randomBytes(24).toString('base64url'),
      consoleToken: config.CONSOLE_TOKEN,
    },
  })
  close = async () => {
    supervisor.drain()
    await sleep(config.SHUTDOWN_DELAY_SECONDS * 1000)
    const isClean = await supervisor.end()
    await database.release()
    if (!isClean) throw new Error('a worker failed while it ended')
  }
  const listening = await supervisor.begin()
  if (isStopping) return
  if (!listening) {
    await database.release()
    process.exit(1)
  }
  roll = () => void supervisor.roll()
  await announce(database, listening)
}

/** One of the processes that receive deliveries. */
async function runWorker(): Promise<void> {
  const member = new Member()
  const { worker, workers, databaseUrl, logIdKey, consoleToken } = await member.orders()
  const log = createLog(config.LOG_LEVEL, config.NODE_ENV === 'production', { worker })
  const own = withToken({ ...config, LOG_ID_KEY: logIdKey }, consoleToken)
  const place: Place = { workers, isFirst: worker === 1, totals: () => member.totals(), count: member.count }
  const [{ startTracing }, { startService }] = await loadService()
  const tracing = await startTracing(log).catch((error) => exitWith(startError(error, own)))
  let close = async () => {}
  const skip = ['SIGTERM' as const, 'SIGINT' as const, 'SIGHUP' as const]
  const grace = closeWithGrace({ delay: SHUTDOWN_LIMIT, logger: log, skip }, async ({ err, signal }) => {
    logEnd(log, err, signal)
    await close()
  })
  const service = await startService(own, databaseUrl, log, { place }).catch((error) =>
    exitWith(startError(error, own)),
  )
  close = async () => {
    await service.app.close()
    await tracing.close()
    await member.leave()
  }
  const at = await listen(service, own, exitWith)
  member.begin(at, {
    report: () => service.report(),
    drain: () => service.drain(),
    end: () => void grace.close(),
  })
}

/** A generated token is the supervisor's, because it may not be in a file yet. */
function withToken(config: Config, token: string | undefined): Config {
  return token === undefined ? config : { ...config, CONSOLE_TOKEN: token }
}

function loadService() {
  return Promise.all([import('./ops/tracing/index.ts'), import('./service.ts')])
}

async function openOrExit(log: ReturnType<typeof createLog>): Promise<Database> {
  const database = await openDatabase(config).catch((error) => exitWith(startError(error, config)))
  const { fields, text } = startSummary(config, database.url)
  log.info(fields, text)
  return database
}

/** Makes the service and its console listen. `fail` prints the reason. It contains no personal data, because no delivery was received yet. */
async function listen(
  { app, console: pages }: Service,
  config: Config,
  fail: (reason: string) => Promise<never> | never,
): Promise<Listening> {
  const address = await app
    .listen({ host: config.HOST, port: config.PORT })
    .catch((error) => fail(listenError(error, config)))
  if (!pages) return { address, console: null }
  const listener = { HOST: config.CONSOLE_HOST, PORT: config.CONSOLE_PORT ?? DEFAULT_PORT }
  await listenConsole(pages, config).catch((error) => fail(listenError(error, listener, 'CONSOLE_')))
  const { addressOf } = await import('./service.ts')
  return { address, console: addressOf(pages) }
}

/** Prints how to use the service, but not in production. */
async function announce(
  { url: databaseUrl, embedded }: Database,
  { address, console: pages }: Listening,
): Promise<void> {
  if (config.NODE_ENV === 'production') return
  const [{ hasPages }, { credentialsFragment }] = await Promise.all([
    import('./ops/openapi.ts'),
    import('./ops/try-out.ts'),
  ])
  process.stdout.write(banner(config, { address, databaseUrl, embedded, generated }))
  if (generated && hasPages(config)) {
    const link = `${address}/docs/${credentialsFragment(vendors, config.credentials)}`
    process.stdout.write(`Try it in a browser, with these credentials filled in\n  ${link}\n\n`)
  }
  // A browser keeps the fragment to itself. The script of the page logs in with it.
  const token = loaded.CONSOLE_TOKEN === undefined ? config.CONSOLE_TOKEN : undefined
  if (token !== undefined) keepConsoleToken(token, DATA_DIRECTORY)
  if (pages)
    process.stdout.write(`See what arrives, in the console\n  ${pages}/login${token ? `#${token}` : ''}\n\n`)
}

function credentialsOrExit() {
  try {
    const { config, generated } = withCredentials(loaded, DATA_DIRECTORY)
    return { config: withConsoleToken(config, DATA_DIRECTORY), generated }
  } catch (error) {
    return exitWith(startError(error, loaded))
  }
}

function warnOfCommas(log: ReturnType<typeof createLog>): void {
  for (const setting of listsWithComma(config)) {
    log.warn({ setting }, 'a secret in the file contains a comma: each line is one secret')
  }
}

function logEnd(log: ReturnType<typeof createLog>, err?: Error, signal?: string): void {
  if (err) log.fatal({ err }, 'stopping after a failure')
  else log.info({ signal }, 'stopping')
}
