import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { lockNumber } from '../src/db/migrate/lock-number.ts'
import { timeOfId } from '../src/db/uuid-time.ts'
import { freePort } from '../src/embedded/index.ts'
import type { BenchDatabase, BenchPostgres } from './database.ts'
import { load } from './load.ts'
import type { LoadResult } from './load-generator.ts'
import { KEY } from './request.ts'
import { requireStored } from './require-stored.ts'
import { type Sizes, sizesOf } from './sizes.ts'
import { fillOldLedger, type OldLedger, ownerOf } from './upgrade-ledger.ts'

export interface UpgradeOptions extends OldLedger {
  /** Deliveries that arrive each second meanwhile. */
  readonly perSecond: number
  /** `BODY_RETENTION_DAYS`; undefined: for ever. */
  readonly bodyRetention: number | undefined
}

const DAY = 86_400_000
const CONNECTIONS = 32

/** Seconds of one run of the load generator, and how many deliveries it may number. */
const STRETCH = 30
const STRETCH_NUMBERS = 1_000_000

/**
 * Measures an update from version 0.1.0: starts the service on a ledger of that version while deliveries arrive, until its
 * upkeep has packed or dropped the bodies of all days before today. Throws if a delivery is missing, or a body is wrong.
 */
export async function measureUpgrade(postgres: BenchPostgres, options: UpgradeOptions): Promise<void> {
  const database = await postgres.createDatabase({ isEmpty: true })
  try {
    await fillOldLedger(database.url, options, (entries) => say(`${entries} entries of version 0.1.0`))
    await upgrade(database, options)
  } finally {
    await database.drop()
  }
}

async function upgrade(database: BenchDatabase, options: UpgradeOptions): Promise<void> {
  const { owners, perSecond, bodyRetention } = options
  const { rows } = await database.client.query('select count(*)::int as entries from deliveries')
  const [{ entries }] = rows
  const before = await database.size()
  say(`before: the database has ${megabytes(before.database)}`)
  const today = Math.floor(Date.now() / DAY) * DAY
  const service = await startService(database.url, bodyRetention)
  const seconds = () => ((Date.now() - service.startedAt) / 1000).toFixed(1)
  try {
    while (!(await service.isReady())) await sleep(50)
    say(`ready ${seconds()} s after its start`)
    const results: LoadResult[] = []
    let [arrived, refused, longest, waiting] = [0, 0, 0, true]
    for (let round = 1; waiting; round += 1) {
      const result = await load({
        ...{ port: service.port, workload: 'mixture', connections: CONNECTIONS, seconds: STRETCH, perSecond },
        ...{ owners, firstNumber: round * STRETCH_NUMBERS },
      })
      results.push(result)
      refused += Object.values(result.failures).reduce((sum, count) => sum + count, 0)
      arrived += Object.values(result.acked).flat().length
      longest = Math.max(longest, result.max)
      const packed = await packedUntil(database)
      const steps = await service.pendingSteps()
      waiting = packed < today || steps > 0 || (await isMaintaining(database))
      say(
        `${seconds()} s: packed until ${new Date(packed).toISOString().slice(0, 16)}, ${steps} steps pending; ` +
          `${arrived} arrived, ${refused} refused, p99 ${Math.round(result.p99)} ms, longest ${Math.round(longest)} ms`,
      )
    }
    const after = await database.size()
    say(`write-ahead log ${megabytes(after.wal - before.wal)}, database ${megabytes(after.database)}`)
    say(`of it ${sizesText(await sizesOf(database.client))}`)
    for (const result of results) await requireStored(result, database)
    await requireAll(database, entries + arrived, bodyRetention === undefined)
    await database.client.query('vacuum full deliveries')
    say(`after vacuum full deliveries: ${sizesText(await sizesOf(database.client))}`)
  } finally {
    await service.close()
  }
}

/** Throws unless all deliveries are there, and the bodies of some owners are what arrived. */
async function requireAll({ client }: BenchDatabase, expected: number, isEveryBodyKept: boolean) {
  const { rows } = await client.query(
    `select count(*)::int as entries, count(body)::int as inline, (select count(*)::int from body_packs) as packs,
       (select coalesce(sum(cardinality(delivery_ids)), 0)::int from body_packs) as packed from deliveries`,
  )
  const [{ entries, inline, packs, packed }] = rows
  say(`${entries} entries; ${packed} bodies in ${packs} packs, ${inline} in entries`)
  if (entries !== expected) throw new Error(`${expected} deliveries were expected`)
  const ofSome = await client.query(
    `select count(*)::int as entries, count(b.body)::int as bodies, count(*) filter (where sha256(b.body) <> d.body_digest)::int as wrong
     from deliveries as d left join delivery_bodies as b using (owner, vendor, delivery_id) where d.owner = any($1::text[])`,
    [[0, 1, 2, 3, 4].map(ownerOf)],
  )
  const [some] = ofSome.rows
  say(`five owners: ${some.entries} entries, ${some.bodies} bodies, ${some.wrong} of them wrong`)
  if (some.wrong > 0 || (isEveryBodyKept && some.bodies < some.entries)) throw new Error('bodies are lost')
}

async function packedUntil({ client }: BenchDatabase): Promise<number> {
  const { rows } = await client.query(`select position from upkeep_tasks where task = 'pack'`)
  return rows[0] ? timeOfId(rows[0].position) : 0
}

async function isMaintaining({ client }: BenchDatabase): Promise<boolean> {
  const lock = lockNumber('nightpost maintain public')
  const { rows } = await client.query('select pg_try_advisory_lock($1) as free', [lock])
  if (rows[0].free) await client.query('select pg_advisory_unlock($1)', [lock])
  return !rows[0].free
}

interface RunningService {
  readonly port: number
  readonly startedAt: number
  isReady(): Promise<boolean>
  pendingSteps(): Promise<number>
  close(): Promise<void>
}

/** Starts the whole program in a process of its own. */
async function startService(url: string, bodyRetention: number | undefined): Promise<RunningService> {
  const port = await freePort(0)
  const directory = mkdtempSync(join(tmpdir(), 'nightpost-bench-upgrade-'))
  const main = join(import.meta.dirname, '../src', `main${import.meta.filename.slice(-3)}`)
  const startedAt = Date.now()
  const child: ChildProcess = spawn(process.execPath, [...process.execArgv, '--v8-pool-size=1', main], {
    cwd: directory,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...{ PATH: process.env.PATH, NODE_ENV: 'production', LOG_LEVEL: 'warn', PORT: String(port) },
      ...{ DATABASE_URL: url, SAHHA_API_KEYS: KEY, ASLEEP_API_KEYS: KEY },
      ...(bodyRetention !== undefined && { BODY_RETENTION_DAYS: String(bodyRetention) }),
    },
  })
  const get = (path: string) => fetch(`http://127.0.0.1:${port}${path}`)
  return {
    port,
    startedAt,
    isReady: () =>
      get('/health/ready').then(
        ({ ok }) => ok,
        () => false,
      ),
    pendingSteps: async () => {
      const text = await (await get('/metrics')).text()
      return Number(/^nightpost_online_steps_pending (\d+)$/m.exec(text)?.[1])
    },
    async close() {
      const exit = once(child, 'exit')
      child.kill('SIGTERM')
      await exit
      rmSync(directory, { recursive: true })
    },
  }
}

const megabytes = (bytes: number) => `${Math.round(bytes / 1e6).toLocaleString('en')} MB`

const sizesText = ({ entries, entryIndexes, hotBodies, packedBodies, rows }: Sizes) =>
  `entries ${megabytes(entries)}, their indexes ${megabytes(entryIndexes)}, hot bodies ${megabytes(hotBodies)}, ` +
  `packs ${megabytes(packedBodies)}, rows ${megabytes(rows)}`

function say(text: string): void {
  process.stdout.write(`${new Date().toISOString().slice(11, 19)} ${text}\n`)
}
