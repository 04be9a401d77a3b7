import type pg from 'pg'
import type { Target } from '../../tables/target.ts'
import { sqlState } from '../commit/failure.ts'
import { storeAllDays } from '../days/background.ts'
import { lockNumber } from '../migrate/migrate.ts'
import { idAtTime, timeOfId } from '../uuid-time.ts'
import { type PackLimits, packBodies, packedUntil } from './pack.ts'
import {
  databaseTime,
  dropPartition,
  GROUPS,
  leftovers,
  PACKS,
  type Partition,
  type PartitionedTable,
  partitionsOf,
  preparePartitions,
} from './partitions.ts'
import { deleteEntries, deleteProvisional, deleteUnverified, emptyOldEntries } from './retention.ts'
import { keepStragglers } from './stragglers.ts'

const DAY = 86_400_000
const HOUR = 3_600_000

/** How long things are kept, in days; undefined: for ever. */
export interface Retention {
  readonly bodies?: number | undefined
  readonly deliveries?: number | undefined
  readonly windows?: number | undefined
}

export interface MaintainOptions {
  readonly schema: string
  readonly targets: readonly Target[]
  readonly retention: Retention
  readonly signal?: AbortSignal
  readonly log?: (message: string) => void
  /** The time until which all bodies are packed, in milliseconds of Unix time, and how many this run has packed. */
  readonly onProgress?: (position: number, deliveries: number) => void
  /** Milliseconds of Unix time; absent: the database's clock. */
  readonly now?: number
  readonly limits?: PackLimits
  /**
   * Copies the bodies that arrived in these periods out of the database, before retention drops them. It throws if it
   * can't; then nothing is dropped. After a run with it, a run without it drops nothing for its age. `none` ends that.
   */
  readonly archive?: ((periods: readonly Period[]) => Promise<void>) | 'none'
  /** Also stores the days of `user_days`, without a pause. The service does that otherwise (`DayKeeper`). */
  readonly storesDays?: boolean
  /** Deletes the deliveries that arrived until a time and name an erased person. Returns how many. */
  readonly deleteErased?: (client: pg.ClientBase, until: number, signal: AbortSignal) => Promise<number>
}

/** Milliseconds of Unix time: `from` is included, `to` is not. */
export interface Period {
  readonly from: number
  readonly to: number
}

/** What one run did. */
export interface Maintained {
  readonly partitionsCreated: number
  readonly bodiesPacked: number
  readonly packs: number
  readonly partitionsDropped: readonly string[]
  readonly entriesDeleted: number
  /** Deliveries of the quarantine. */
  readonly unverifiedDeleted: number
  readonly provisionalRowsDeleted: number
  /** Deliveries without an owner that name an erased person. */
  readonly erasedDeliveriesDeleted: number
  /** Whether all days are stored, if it was asked for. Not on Citus, nor before the online steps are done. */
  readonly daysStored?: boolean
}

/**
 * Does the ledger's upkeep once: creates partitions ahead, packs the bodies of closed days, drops what is packed, and deletes
 * what retention no longer keeps. Every step may be interrupted, and a second run finds nothing to do. Returns null if another
 * process is doing it. The connection must keep its session.
 */
export async function maintain(client: pg.ClientBase, options: MaintainOptions): Promise<Maintained | null> {
  const lock = lockNumber(`nightpost maintain ${options.schema}`)
  const { rows } = await client.query('select pg_try_advisory_lock($1) as mine', [lock])
  if (!rows[0].mine) return null
  try {
    return await maintainLocked(client, options)
  } finally {
    await client.query('select pg_advisory_unlock($1)', [lock]).catch(() => {})
  }
}

async function maintainLocked(client: pg.ClientBase, options: MaintainOptions): Promise<Maintained> {
  const { targets, signal = new AbortController().signal, log = () => {}, onProgress, limits } = options
  const now = options.now ?? (await databaseTime(client))
  const partitionsCreated = await preparePartitions(client, now)
  const retention = await allowedRetention(client, options, now)
  const keptSince = bodiesKeptSince(retention, now)
  await correctPosition(client, closedUntil(now))
  const packed = await packBodies(client, {
    until: closedUntil(now),
    keptSince,
    signal,
    ...(onProgress && { onProgress }),
    ...(limits && { limits }),
  })
  const partitionsDropped = await dropPartitions(client, closedUntil(now), keptSince, log)
  if (keptSince !== null) await emptyOldEntries(client, keptSince, signal)
  const entriesBefore = keptDays(retention.deliveries, now)
  const entriesDeleted = entriesBefore === null ? 0 : await deleteEntries(client, entriesBefore, signal)
  const unverifiedDeleted = entriesBefore === null ? 0 : await deleteUnverified(client, entriesBefore, signal)
  const windowsBefore = keptDays(retention.windows, now)
  let provisionalRowsDeleted = 0
  for (const target of targets) {
    if (windowsBefore === null) break
    provisionalRowsDeleted += await deleteProvisional(client, target, windowsBefore, signal)
  }
  // As for packing: an hour later every delivery is committed.
  const erasedDeliveriesDeleted = (await options.deleteErased?.(client, now - HOUR, signal)) ?? 0
  const { schema, storesDays = false } = options
  const daysStored = storesDays && (await storeAllDays(client, { schema, targets, signal }))
  return {
    partitionsCreated,
    bodiesPacked: packed.deliveries,
    packs: packed.packs,
    partitionsDropped,
    entriesDeleted,
    unverifiedDeleted,
    provisionalRowsDeleted,
    erasedDeliveriesDeleted,
    ...(storesDays && { daysStored }),
  }
}

/** A group is committed within minutes of its first arrival, so an hour after its end a day is closed. */
function closedUntil(now: number): number {
  return Math.floor((now - HOUR) / DAY) * DAY
}

/** The database's clock may have been set back since the last run. Bodies that arrive now must not count as packed. */
async function correctPosition(client: pg.ClientBase, closed: number): Promise<void> {
  await client.query(`update upkeep_tasks set position = $1 where task = 'pack' and position > $1`, [
    idAtTime(closed),
  ])
}

const keptDays = (days: number | undefined, now: number) => (days === undefined ? null : now - days * DAY)

/** A body is of no use without its entry. */
function bodiesKeptSince({ bodies, deliveries }: Retention, now: number): number | null {
  const days = Math.min(bodies ?? Number.POSITIVE_INFINITY, deliveries ?? Number.POSITIVE_INFINITY)
  return Number.isFinite(days) ? now - days * DAY : null
}

/** The retention, after what it drops is archived. Without the days of bodies and entries if an archive has to be written first. */
async function allowedRetention(
  client: pg.ClientBase,
  { retention, archive, log = () => {} }: MaintainOptions,
  now: number,
): Promise<Retention> {
  if (archive === 'none') await client.query(`delete from upkeep_tasks where task = 'archive'`)
  const before = bodiesKeptSince(retention, now)
  if (before === null || archive === 'none') return retention
  if (archive) {
    const entries = keptDays(retention.deliveries, now) ?? 0
    const partitions = [...(await partitionsOf(client, GROUPS)), ...(await partitionsOf(client, PACKS))]
    // Older bodies are in entries, where only the deletion of the entry, or their packing, removes them.
    const from = Math.min(timeOfId(await packedUntil(client)), ...partitions.map(({ from }) => from))
    await archive([
      { from: 0, to: entries },
      { from: Math.min(from, before), to: before },
    ])
    await client.query(
      `insert into upkeep_tasks as t (task, position, finished_at) values ('archive', $1, now())
       on conflict (task) do update set position = excluded.position, finished_at = excluded.finished_at`,
      [idAtTime(before)],
    )
    return retention
  }
  const { rows } = await client.query(
    `select finished_at, finished_at < now() - interval '2 days' as is_late from upkeep_tasks where task = 'archive'`,
  )
  if (rows.length === 0) return retention
  if (rows[0].is_late)
    log(
      `nothing is dropped for its age: nightpost maintain --archive last ran at ${rows[0].finished_at.toISOString()}`,
    )
  const { bodies, deliveries, ...others } = retention
  return others
}

/** Drops the groups that are packed, and what is older than the retention. Leaves the rest to a later run if a reader is in the way. */
async function dropPartitions(
  client: pg.ClientBase,
  closed: number,
  keptSince: number | null,
  log: (message: string) => void,
): Promise<string[]> {
  const dropped: string[] = []
  const isOld = ({ to }: Partition) => keptSince !== null && to <= keptSince
  const drop = async (table: PartitionedTable, partition: Partition, why: string) => {
    await dropPartition(client, table, partition, async () => {
      if (table !== GROUPS || isOld(partition)) return
      const kept = await keepStragglers(client, partition)
      if (kept > 0)
        log(`moved ${kept} bodies of ${partition.name} to their entries: they came after it was packed`)
    })
    log(`dropped ${partition.name}: ${why}`)
    dropped.push(partition.name)
  }
  // A delivery belongs to a group of its own day or of the day before. The position is later than the present if the clock was
  // wrong.
  const packed = Math.min(closed, timeOfId(await packedUntil(client))) - HOUR
  for (const table of [GROUPS, PACKS]) {
    try {
      // First, because a table has at most one partition whose DETACH is unfinished.
      for (const partition of await leftovers(client, table)) {
        await drop(table, partition, 'an earlier run was interrupted')
      }
      for (const partition of await partitionsOf(client, table)) {
        if (isOld(partition)) await drop(table, partition, 'older than BODY_RETENTION_DAYS')
        else if (table === GROUPS && partition.to <= packed)
          await drop(table, partition, 'its bodies are packed')
      }
    } catch (error) {
      if (sqlState(error) !== LOCK_TIMEOUT) throw error
      log(`a partition of ${table.name} can't be dropped yet: a transaction reads the table`)
    }
  }
  return dropped
}

const LOCK_TIMEOUT = '55P03'

/** When the oldest day or week with bodies begins, in milliseconds of Unix time; null if there is none. */
export async function oldestBody(client: Pick<pg.ClientBase, 'query'>): Promise<number | null> {
  for (const table of [PACKS, GROUPS]) {
    for (const partition of await partitionsOf(client, table)) {
      const { rows } = await client.query(`select exists (select 1 from "${partition.name}") as has`)
      if (rows[0].has) return partition.from
    }
  }
  return null
}
