import type pg from 'pg'
import { lastStored } from '../../db/last-stored.ts'
import { idAtTime } from '../../db/uuid-time.ts'
import { lastRuns } from '../../reconcile/runs.ts'
import {
  type DatabaseReport,
  declared,
  EVENT,
  readAhead,
  readDrift,
  readUnfinishedErasures,
  readUnverified,
} from '../../status/read.ts'
import type { ConsoleContext } from '../context.ts'

/** Entries of the last day that a page reads at most. */
const MOST_RECENT = 10_000
const MOST_NOT_STORED = 5_000

const HOUR = 3_600_000
const DAY = 24 * HOUR

/** Parts of the time that the sparklines show. */
export const PARTS = 48

/** The latest deliveries of an event. */
export interface Rhythm {
  readonly vendor: string
  readonly event: string
  readonly outcomes: Readonly<Record<string, number>>
  /** Deliveries in each part of the time. */
  readonly parts: readonly number[]
  /** Milliseconds of the longest time between two of them; null if there are fewer than two. */
  readonly longestGap: number | null
}

export interface HealthReport
  extends Pick<
    DatabaseReport,
    | 'now'
    | 'ahead'
    | 'lastStored'
    | 'recent'
    | 'reconciled'
    | 'unverified'
    | 'unfinishedErasures'
    | 'problems'
    | 'drift'
  > {
  readonly rhythms: readonly Rhythm[]
  /** The sparklines begin at this time: a day ago, or later if more arrived than is read. */
  readonly since: number
}

/** What changes slowly, or is costly to read, is read once a minute. */
type Slow = Pick<DatabaseReport, 'unverified' | 'drift'>
const SLOW_FOR = 60_000

/** Reads what the page shows. Every statement reads a bounded part of the ledger. */
export function healthReader({ vendors }: ConsoleContext): (client: pg.Client) => Promise<HealthReport> {
  let slow: { readonly at: number; readonly found: Slow } | null = null
  return async (client) => {
    const now = (await client.query('select (extract(epoch from clock_timestamp()) * 1000)::float8 as now'))
      .rows[0].now
    const names = declared(vendors)
    if (!slow || Date.now() - slow.at > SLOW_FOR) {
      const found = {
        unverified: await readUnverified(client, vendors, MOST_RECENT),
        drift: await readDrift(client, vendors, now, MOST_RECENT / 2),
      }
      slow = { at: Date.now(), found }
    }
    return {
      now,
      ahead: await readAhead(client, now),
      lastStored: await lastStored(client, vendors),
      unfinishedErasures: await readUnfinishedErasures(client),
      reconciled: await lastRuns(client),
      ...slow.found,
      ...(await notStored(client, names, now)),
      ...(await rhythms(client, names, now)),
    }
  }
}

type Names = ReturnType<typeof declared>

/** Counts and problems of what was not stored: an index leads to these few. */
async function notStored(
  client: pg.Client,
  names: Names,
  now: number,
): Promise<Pick<DatabaseReport, 'recent' | 'problems'>> {
  const { rows } = await client.query(
    `select vendor, ${EVENT} as event, outcome, coalesce(problem->>'code', outcome) as code,
       regexp_replace(problem->'errors'->0->>'path', '/[0-9]+(?=/|$)', '/[]', 'g') as path,
       count(*)::int as day, (count(*) filter (where delivery_id >= $4))::int as hour
     from (
       select * from deliveries where outcome <> 'stored' and delivery_id >= $3
       order by delivery_id desc limit ${MOST_NOT_STORED}
     ) as latest group by 1, 2, 3, 4, 5 order by day desc`,
    [...names, idAtTime(now - DAY), idAtTime(now - HOUR)],
  )
  const recent = new Map<string, DatabaseReport['recent'][number]>()
  for (const { vendor, event, outcome, day, hour } of rows) {
    const key = `${vendor} ${event} ${outcome}`
    const before = recent.get(key) ?? { day: 0, hour: 0 }
    recent.set(key, { vendor, event, outcome, day: before.day + day, hour: before.hour + hour })
  }
  const problems = rows.map(({ vendor, event, code, path, day }) => ({
    vendor,
    event,
    code,
    path,
    count: day,
  }))
  return { recent: [...recent.values()], problems }
}

async function rhythms(client: pg.Client, names: Names, now: number) {
  const { rows } = await client.query(
    `with latest as materialized (
       select vendor, ${EVENT} as event, outcome, (extract(epoch from received_at) * 1000)::float8 as at
       from deliveries where delivery_id >= $3 order by delivery_id desc limit ${MOST_RECENT}
     ), bounds as (
       select case when count(*) = ${MOST_RECENT} then min(at) else $4::float8 end as since from latest
     ), gaps as (
       select *, at - lag(at) over (partition by vendor, event order by at) as gap from latest
     )
     select vendor, event, outcome, since, max(gap) as gap, count(*)::int as count,
       least(greatest(floor((at - since) / nullif($5::float8 - since, 0) * ${PARTS}), 0), ${PARTS - 1})::int as part
     from gaps, bounds group by vendor, event, outcome, since, part`,
    [...names, idAtTime(now - DAY), now - DAY, now],
  )
  const found = new Map<string, Rhythm>()
  for (const { vendor, event, outcome, gap, count, part } of rows as Part[]) {
    const key = `${vendor} ${event}`
    const { outcomes, parts, longestGap } = found.get(key) ?? NOTHING
    found.set(key, {
      ...{ vendor, event },
      outcomes: { ...outcomes, [outcome]: (outcomes[outcome] ?? 0) + count },
      parts: parts.with(part, (parts[part] ?? 0) + count),
      longestGap: gap === null ? longestGap : Math.max(longestGap ?? 0, gap),
    })
  }
  return { rhythms: [...found.values()], since: (rows[0]?.since as number | undefined) ?? now - DAY }
}

/** What arrived of an event with one outcome in one part of the time. */
interface Part {
  readonly vendor: string
  readonly event: string
  readonly outcome: string
  readonly gap: number | null
  readonly count: number
  readonly part: number
}

const NOTHING: Pick<Rhythm, 'outcomes' | 'parts' | 'longestGap'> = {
  outcomes: {},
  parts: Array(PARTS).fill(0),
  longestGap: null,
}
