import { createHmac } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { afterAll } from 'vitest'
import { credentialNames, type Environment, readConfig } from '../../src/config/index.ts'
import { defaultLimits, type Limits } from '../../src/db/commit/limits.ts'
import { logOptions } from '../../src/ops/log.ts'
import { startService } from '../../src/service.ts'
import { createDatabase, type TestDatabase } from './database.ts'
import { guardLine, guardRequest } from './log-guard.ts'

export const ASLEEP_KEY = 'asleep-test-key'
export const SAHHA_KEY = 'sahha-test-key'
export const SAHHA_SECRET = 'sahha-test-secret'

/** A credential for every setting of every registered vendor. */
export const environment = {
  ...(Object.fromEntries(credentialNames.map((name) => [name, `test-credential-of-${name}`])) as object),
  ASLEEP_API_KEYS: ASLEEP_KEY,
  SAHHA_API_KEYS: SAHHA_KEY,
  SAHHA_WEBHOOK_SECRETS: SAHHA_SECRET,
}

export interface Answer {
  readonly status: number
  readonly headers: Record<string, unknown>
  readonly json: Record<string, unknown> & { outcome?: string; code?: string; delivery_id?: string }
}

type Body = object | string | Buffer

export interface TestService {
  readonly app: FastifyInstance
  /** The console, if the settings have a CONSOLE_TOKEN. */
  readonly console: FastifyInstance | null
  readonly db: TestDatabase
  /** The lines that the service logged. */
  readonly log: string[]
  post(vendor: string, headers: Record<string, string>, body: Body): Promise<Answer>
  asleep(body: Body, userId: string): Promise<Answer>
  sahha(body: Body, eventType?: string): Promise<Answer>
  /** Closes the service and starts another on the same database. `post`, `asleep` and `sahha` still send to the first. */
  restart(): Promise<FastifyInstance>
  close(): Promise<void>
}

/** The real service on a database of its own; `through` may lead to it another way. */
export async function setup(
  overrides: Environment = {},
  limits: Partial<Limits> = {},
  through?: (direct: string) => string,
): Promise<TestService> {
  const made = await createDatabase()
  return serviceOn({ ...made, url: through?.(made.direct) ?? made.url }, overrides, limits)
}

/**
 * Services for tests that each begin with an empty database. A service is used again by the next test that asks for the
 * same settings, if the tests before changed only rows. Its upkeep is off, because it would begin in the middle of a test.
 */
export function emptyServices() {
  const open = new Map<string, TestService>()
  afterAll(() => Promise.all([...open.values()].map((service) => service.close())))
  return async (overrides: Environment = {}): Promise<TestService> => {
    const settings = JSON.stringify(overrides)
    const kept = open.get(settings)
    if (kept && (await kept.db.empty())) {
      kept.log.length = 0
      return kept
    }
    open.delete(settings)
    await kept?.close()
    const made = await setup({ MAINTENANCE: 'off', ...overrides })
    open.set(settings, made)
    return made
  }
}

/** The real service on a database that is there, and goes with the service. */
export async function serviceOn(
  db: TestDatabase,
  overrides: Environment = {},
  limits: Partial<Limits> = {},
): Promise<TestService> {
  const log: string[] = []
  const write = (line: string) => {
    log.push(line)
    guardLine(line)
  }
  const logger = pino(logOptions('trace'), { write })
  const config = readConfig({
    ...environment,
    // Behind a pooler, as an operator would set it: migrations and online steps need a session.
    ...(db.url !== db.direct && { MIGRATE_DATABASE_URL: db.direct }),
    ...overrides,
  })
  const { app, console } = await startService(config, db.url, logger, {
    limits: { ...defaultLimits, ...limits },
  })
  const apps = [app]

  const post: TestService['post'] = async (vendor, headers, body) => {
    guardRequest(headers, bytesOf(body))
    const answer = await app.inject({
      method: 'POST',
      url: `/webhooks/${vendor}`,
      headers: { 'content-type': 'application/json', ...headers },
      payload: bytesOf(body),
    })
    return { status: answer.statusCode, headers: answer.headers, json: answer.json() }
  }

  return {
    app,
    console,
    db,
    log,
    post,
    asleep: (body, userId) => post('asleep', { 'x-api-key': ASLEEP_KEY, 'x-user-id': userId }, body),
    sahha: (body, eventType) =>
      post('sahha', { ...signed(body), ...(eventType && { 'x-event-type': eventType }) }, body),
    restart: async () => {
      await app.close()
      const restarted = await startService(config, db.url, logger)
      apps.push(restarted.app)
      return restarted.app
    },
    close: async () => {
      await Promise.all(apps.map((each) => each.close()))
      await db.drop()
    },
  }
}

export function bytesOf(body: Body): Buffer {
  if (Buffer.isBuffer(body)) return body
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
}

export function signed(body: Body, secret = SAHHA_SECRET): { 'x-signature': string } {
  return { 'x-signature': createHmac('sha256', secret).update(bytesOf(body)).digest('hex') }
}
