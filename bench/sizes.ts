import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import type pg from 'pg'
import { resetSession } from '../src/db/migrate/migrate.ts'
import { maintain } from '../src/db/upkeep/maintain.ts'
import { vendors } from '../src/vendors/index.ts'

/** Bytes on disk by kind. */
export interface Sizes {
  readonly entries: number
  readonly entryIndexes: number
  readonly hotBodies: number
  readonly packedBodies: number
  /** The normalised tables, with their indexes. */
  readonly rows: number
}

/** Empty tables and indexes have pages too; `before` is what they take. */
export function perDelivery(after: Sizes, before: Sizes, deliveries: number): Sizes {
  const each = (kind: keyof Sizes) => (after[kind] - before[kind]) / deliveries
  return {
    entries: each('entries'),
    entryIndexes: each('entryIndexes'),
    hotBodies: each('hotBodies'),
    packedBodies: each('packedBodies'),
    rows: each('rows'),
  }
}

export async function sizesOf(client: pg.Client): Promise<Sizes> {
  const { rows } = await client.query(`
    select pg_table_size('deliveries')::float8 as entries, pg_indexes_size('deliveries')::float8 as "entryIndexes",
      (select sum(pg_total_relation_size(relid)) from pg_partition_tree('body_groups'))::float8 as "hotBodies",
      (select sum(pg_total_relation_size(relid)) from pg_partition_tree('body_packs'))::float8 as "packedBodies",
      (select sum(pg_total_relation_size(c.oid)) from pg_class as c
       where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and not c.relispartition
         and c.relname <> 'deliveries')::float8 as rows`)
  return rows[0]
}

const DAY = 86_400_000

/** Packs everything, as the upkeep of the day after tomorrow would. */
export async function packAll(client: pg.Client): Promise<void> {
  await resetSession(client, 'public')
  const targets = vendors.flatMap((vendor) => vendor.targets)
  await maintain(client, { schema: 'public', targets, retention: {}, now: Date.now() + 2 * DAY })
}

/** Seconds of CPU time that a Postgres server has used, with its finished processes; 0 if the system does not tell. */
export async function postgresCpu(client: pg.Client): Promise<number> {
  if (!existsSync('/proc/self/stat')) return 0
  const { rows } = await client.query('select pg_backend_pid() as pid')
  const postmaster = statOf(rows[0].pid)?.parent
  if (postmaster === undefined) return 0
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  const children = all.map((pid) => statOf(Number(pid))).filter((stat) => stat?.parent === postmaster)
  const own = statOf(postmaster)
  const ticks = children.reduce((sum, stat) => sum + (stat?.ticks ?? 0), own ? own.ticks + own.childTicks : 0)
  return ticks / ticksPerSecond
}

const ticksPerSecond = existsSync('/proc/self/stat') ? Number(execFileSync('getconf', ['CLK_TCK'])) : 100

function statOf(pid: number): { parent: number; ticks: number; childTicks: number } | undefined {
  try {
    // The name of the program, in parentheses, may contain spaces.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
    const [, parent, ...rest] = fields.map(Number)
    const [user = 0, system = 0, childUser = 0, childSystem = 0] = rest.slice(9, 13)
    return { parent: parent as number, ticks: user + system, childTicks: childUser + childSystem }
  } catch {
    return undefined
  }
}
