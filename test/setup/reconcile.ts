import { getTableName } from 'drizzle-orm'
import type pg from 'pg'
import { readConfig } from '../../src/config/index.ts'
import { createPool } from '../../src/db/connect/pool.ts'
import { adaptingStore } from '../../src/db/write/adapting-writer.ts'
import { Clock } from '../../src/ingest/clock.ts'
import { defaultCallLimits } from '../../src/reconcile/limits.ts'
import { type ReconcileOptions, reconcile } from '../../src/reconcile/reconcile.ts'
import type { ReconcileReport } from '../../src/reconcile/report.ts'
import { requestHeaders } from '../../src/tools/simulate/request-headers.ts'
import type { Vendors } from '../../src/tools/simulate/serve/vendors.ts'
import type { SimulatedDelivery } from '../../src/tools/simulate/simulated-delivery.ts'
import { vendors } from '../../src/vendors/index.ts'
import type { TestDatabase } from './database.ts'
import { guardedLog } from './log-guard.ts'
import { ASLEEP_KEY, SAHHA_SECRET, type TestService } from './service.ts'

export type { ReconcileReport }

const targets = vendors.flatMap((vendor) => vendor.targets)

/** What the settings of a run are in tests: a vendor's API on this machine, and no pauses worth mentioning. */
export const fastLimits = {
  ...defaultCallLimits,
  perMinute: 60_000,
  pause: { first: 1, longest: 5 },
}

export interface Reconciler {
  readonly pool: pg.Pool
  run(vendor: string, options?: Partial<ReconcileOptions>): Promise<ReconcileReport>
  close(): Promise<void>
}

/** Runs of `reconcile` on a database against an API. */
export function reconcilerOn(
  db: TestDatabase,
  addresses: Pick<Vendors, 'asleepUrl' | 'sahhaUrl' | 'credentials'>,
  period: { from: string; to: string },
): Reconciler {
  const { asleepUrl, sahhaUrl, credentials } = addresses
  const config = readConfig({
    ASLEEP_API_URL: asleepUrl,
    SAHHA_API_URL: sahhaUrl,
    ASLEEP_API_KEYS: credentials.asleepKey,
    SAHHA_CLIENT_ID: credentials.sahhaClientId,
    SAHHA_CLIENT_SECRET: credentials.sahhaClientSecret,
  })
  const pool = createPool(db.url, guardedLog)
  const store = adaptingStore(pool, targets)
  const clock = new Clock()
  return {
    pool,
    run: (name, options = {}) =>
      reconcile({
        vendor: vendors.find((vendor) => vendor.name === name) as (typeof vendors)[number],
        ...{ pool, store, clock },
        setting: config.pullSetting,
        credentials: config.credentials,
        period: { from: Date.parse(period.from), to: Date.parse(period.to) },
        startedBy: 'command',
        limits: fastLimits,
        signal: new AbortController().signal,
        ...options,
      }),
    close: () => pool.end(),
  }
}

/** Sends simulated deliveries to a service, in their order. */
export async function deliver(
  service: TestService,
  sequences: readonly SimulatedDelivery[][],
): Promise<void> {
  const keys = { asleepKey: ASLEEP_KEY, sahhaSecret: SAHHA_SECRET, sahhaKey: undefined }
  await Promise.all(
    sequences.map(async (deliveries) => {
      for (const delivery of deliveries)
        await service.post(delivery.vendor, lowerCase(requestHeaders(delivery, keys)), delivery.body)
    }),
  )
}

/**
 * All rows of the tables as text, without where they come from, and without the columns that a vendor's API does not return.
 * `data_logs` and windows can't be pulled.
 */
export async function contentRows(db: TestDatabase): Promise<string[]> {
  const left = ['delivery_id', 'received_at', 'pulled_at', 'callback_version']
  const names = targets.map(({ table }) => getTableName(table)).filter((name) => !UNPULLABLE.has(name))
  const lists = await Promise.all(
    names.map((name) =>
      db.query(
        `select '${name} ' || (to_jsonb(t) - $1::text[] ${name === 'biomarkers' ? `- 'created_at_utc' - 'version'` : ''})::text as line
         from ${name} as t`,
        [left],
      ),
    ),
  )
  return lists
    .flat()
    .map(({ line }) => line as string)
    .sort()
}

/** All rows of all tables with every column, as one text. */
export async function allContent(db: TestDatabase): Promise<string> {
  const lists = await Promise.all(
    targets.map(({ table }) =>
      db.query(`select t::text as line from ${getTableName(table)} as t order by 1`),
    ),
  )
  return lists
    .flat()
    .map(({ line }) => line as string)
    .join('\n')
}

/** Deletes what was delivered. */
export async function forget(db: TestDatabase): Promise<void> {
  const tables = targets.map(({ table }) => getTableName(table)).reverse()
  const names = [...tables, 'deliveries', 'body_groups', 'owners', 'reconcile_runs', 'erasures']
  await db.query(names.map((name) => `delete from ${name}`).join(';'))
}

const UNPULLABLE = new Set(['data_logs', 'sleep_stage_windows'])

const lowerCase = (headers: Record<string, string>) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
