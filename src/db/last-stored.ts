import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import type { Logger } from 'pino'
import type { Vendor } from '../contract/vendor.ts'
import { sqlState } from './commit/failure.ts'
import { idAtTime, timeOfId } from './uuid-time.ts'

type Client = Pick<pg.Pool | pg.ClientBase, 'query'>

/** When an event was last stored, in milliseconds of Unix time. */
export interface StoredAt {
  readonly vendor: string
  readonly event: string
  readonly at: number
}

/** Milliseconds between two records. */
const RECORD_EVERY = 60_000

/** A delivery may be committed this long after its arrival, in milliseconds. */
const OVERLAP = 3 * 60_000

/** The entries that one statement of a record reads at most, as a period of arrivals in milliseconds. */
const STEP = 6 * 60 * 60_000

/** If nothing is recorded yet, the entries of this period are read. */
const FIRST_PERIOD = 24 * 60 * 60_000

/** The latest entries that are read beside what is recorded. */
const MOST_LATEST = 2_000

/**
 * Returns when the vendors last sent each event that was stored. What was pulled does not count: it must not hide that a
 * webhook is silent. An event that was never stored is left out. It reads what was recorded, and the latest entries since then,
 * so it needs no index of its own. Where more arrive between two records, the time of a rare event is that of the last record.
 */
export async function lastStored(
  client: Client,
  vendors: ReadonlyArray<Pick<Vendor, 'name' | 'events'>>,
): Promise<StoredAt[]> {
  const names = vendors.flatMap(({ name, events }) =>
    events.map((event) => ({ vendor: name, event: event.name })),
  )
  const { recordedUntil } = await position(client)
  const { rows } = await client.query(
    `select vendor, event, (extract(epoch from max(at)) * 1000)::float8 as at from (
       select vendor, event, last_stored_at as at from event_activity
       union all
       (select vendor, event, case when outcome = 'stored' and source = 'push' then received_at end from deliveries
        where delivery_id >= $3 order by delivery_id desc limit ${MOST_LATEST})
     ) as known
     where (vendor, event) in (select * from unnest($1::text[], $2::text[])) group by vendor, event
     having max(at) is not null`,
    [names.map(({ vendor }) => vendor), names.map(({ event }) => event), idAtTime(recordedUntil - OVERLAP)],
  )
  return rows
}

/** Milliseconds. */
const LONGEST_LOOK = 5_000

/**
 * The same at the start of a service. If the query fails, the silence of an event is counted from the start of the process. On
 * Citus it asks every node, and one that is silent must not hold up the start.
 */
export async function lastStoredAtStart(
  client: Client,
  vendors: ReadonlyArray<Pick<Vendor, 'name' | 'events'>>,
  log: Pick<Logger, 'warn'>,
): Promise<StoredAt[]> {
  try {
    const tooLate = sleep(LONGEST_LOOK, undefined, { ref: false }).then(() => {
      throw new Error('the query took too long')
    })
    return await Promise.race([lastStored(client, vendors), tooLate])
  } catch (error) {
    log.warn({ code: sqlState(error) }, 'when each event was last stored is not known')
    return []
  }
}

async function position(client: Client): Promise<{ recordedUntil: number; now: number }> {
  const { rows } = await client.query(
    `select (extract(epoch from clock_timestamp()) * 1000)::float8 as now,
       (select position from upkeep_tasks where task = 'activity') as position`,
  )
  const [{ now, position }] = rows
  return { now, recordedUntil: position === null ? now - FIRST_PERIOD : timeOfId(position) }
}

/** Records when events were last stored, from the entries since the last record. Does nothing if that is recent. */
export async function recordLastStored(client: Client): Promise<void> {
  for (;;) {
    const { recordedUntil, now } = await position(client)
    if (now - recordedUntil < RECORD_EVERY) return
    const until = Math.min(now, recordedUntil + STEP)
    await client.query(
      `with latest as (
         select vendor, event, max(received_at) as at from deliveries
         where delivery_id >= $1 and delivery_id < $2 and outcome = 'stored' and event is not null and source = 'push' group by vendor, event
       ), recorded as (
         insert into event_activity as a (vendor, event, last_stored_at)
         select vendor, event, at from latest order by vendor, event
         on conflict (vendor, event) do update set last_stored_at = excluded.last_stored_at
         where a.last_stored_at < excluded.last_stored_at
       )
       insert into upkeep_tasks as t (task, position, finished_at) values ('activity', $2, now())
       on conflict (task) do update set position = excluded.position, finished_at = excluded.finished_at
       where t.position < excluded.position`,
      [idAtTime(recordedUntil - OVERLAP), idAtTime(until)],
    )
  }
}

/** Records when events were last stored as long as the service runs. Returns a function that ends it. */
export function keepRecordingLastStored(
  client: Client,
  onError: (error: unknown) => void,
): () => Promise<void> {
  const end = new AbortController()
  const pause = () => sleep(RECORD_EVERY, undefined, { signal: end.signal, ref: false }).catch(() => {})
  const running = (async () => {
    await pause()
    while (!end.signal.aborted) {
      await recordLastStored(client).catch(onError)
      await pause()
    }
  })()
  return () => {
    end.abort()
    return running
  }
}
