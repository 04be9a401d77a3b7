import type pg from 'pg'
import { type Drift, join } from '../contract/drift.ts'
import type { Vendor } from '../contract/vendor.ts'
import { databaseSize, distributedSizes } from '../db/citus/sizes.ts'
import { isDistributed } from '../db/citus/state.ts'
import { lastStored } from '../db/last-stored.ts'
import { idAtTime } from '../db/uuid-time.ts'
import { unpackAndJudge } from '../ingest/judge.ts'
import { DriftNames } from '../ops/drift-names.ts'
import { type LastRun, lastRuns } from '../reconcile/runs.ts'
import { latestBodies, SAMPLE_BYTES } from './latest-bodies.ts'

/** Deliveries of one vendor, event and outcome in the last day. */
export interface Recent {
  readonly vendor: string
  readonly event: string
  readonly outcome: string
  readonly hour: number
  readonly day: number
}

/** What the database reports of the last day. Times are milliseconds of Unix time. */
export interface DatabaseReport {
  readonly lastStored: Array<{ vendor: string; event: string; at: number }>
  readonly recent: Recent[]
  /** The most common problem of the rejected and unrecognised deliveries of each event, and its count. */
  readonly problems: Array<{
    vendor: string
    event: string
    code: string
    path: string | null
    count: number
  }>
  readonly unverified: Array<{
    vendor: string
    presented: string
    count: number
    bytes: number
    last: number
  }>
  /** How many (`bodies`) of the latest stored bodies (`of`) of each event differ from the vendor's documentation. */
  readonly drift: Array<{
    vendor: string
    event: string
    path: string
    kind: Drift['kind']
    bodies: number
    of: number
  }>
  /** Deliveries that are stamped later than now, and the latest stamp; null if there are none. */
  readonly ahead: { readonly count: number; readonly until: number } | null
  /** Erasures that began and did not finish: how many, and since when the oldest. Null if there are none. */
  readonly unfinishedErasures: { readonly count: number; readonly since: number } | null
  /** The last run of `nightpost reconcile` about everybody, of each vendor. */
  readonly reconciled: readonly LastRun[]
  /** The database's clock, by which deliveries are stamped. */
  readonly now: number
  readonly ledgerBytes: number
  readonly databaseBytes: number
}

type Client = Pick<pg.ClientBase, 'query'>

const HOUR = 3_600_000

/** Reads what `nightpost status` shows. `client` may be a read-only connection. */
export async function readState(client: Client, vendors: readonly Vendor[]): Promise<DatabaseReport> {
  const { rows: sizes } = await client.query(
    `select (pg_total_relation_size('deliveries') + (
         select coalesce(sum(pg_total_relation_size(relid)), 0)
         from (values ('body_groups'), ('body_packs')) as t(name), pg_partition_tree(to_regclass(t.name))
       ))::float8 as ledger, pg_database_size(current_database())::float8 as all,
       (extract(epoch from clock_timestamp()) * 1000)::float8 as now`,
  )
  const { now } = sizes[0]
  return {
    now,
    ahead: await readAhead(client, now),
    unfinishedErasures: await readUnfinishedErasures(client),
    reconciled: await lastRuns(client),
    lastStored: await lastStored(client, vendors),
    recent: await recent(client, vendors, now),
    problems: await problems(client, vendors, now),
    unverified: await readUnverified(client, vendors),
    drift: await readDrift(client, vendors, now),
    ...((await isDistributed(client))
      ? await sizesOnCitus(client)
      : { ledgerBytes: sizes[0].ledger, databaseBytes: sizes[0].all }),
  }
}

async function sizesOnCitus(client: Client): Promise<Pick<DatabaseReport, 'ledgerBytes' | 'databaseBytes'>> {
  const sizes = await distributedSizes(client)
  return {
    ledgerBytes: (sizes.get('deliveries') ?? 0) + (sizes.get('body_packs') ?? 0),
    databaseBytes: await databaseSize(client),
  }
}

/** The name of a declared event. Any other name comes from a body and must not be shown. Its parameters are `declared`. */
export const EVENT = `case when (vendor, event) in (select name, event from unnest($1::text[], $2::text[]) as d(name, event))
  then event else 'unknown' end`

/** The parameters of `EVENT`. */
export function declared(vendors: readonly Vendor[]): [vendors: string[], events: string[]] {
  const all = vendors.flatMap(({ name, events }) => events.map((event) => ({ name, event: event.name })))
  return [all.map(({ name }) => name), all.map(({ event }) => event)]
}

async function recent(client: Client, vendors: readonly Vendor[], now: number): Promise<Recent[]> {
  const { rows } = await client.query(
    `select vendor, ${EVENT} as event, outcome, count(*)::int as day,
       (count(*) filter (where delivery_id >= $4))::int as hour
     from deliveries where delivery_id >= $3 and source = 'push' group by 1, 2, 3 order by 1, 2, 3`,
    [...declared(vendors), idAtTime(now - 24 * HOUR), idAtTime(now - HOUR)],
  )
  return rows
}

async function problems(
  client: Client,
  vendors: readonly Vendor[],
  now: number,
): Promise<DatabaseReport['problems']> {
  const { rows } = await client.query(
    `select distinct on (vendor, event) vendor, event, code, path, count from (
       select vendor, ${EVENT} as event, coalesce(problem->>'code', outcome) as code,
         regexp_replace(problem->'errors'->0->>'path', '/[0-9]+(?=/|$)', '/[]', 'g') as path, count(*)::int
       from deliveries where delivery_id >= $3 and outcome <> 'stored' group by 1, 2, 3, 4
     ) as found order by vendor, event, count desc`,
    [...declared(vendors), idAtTime(now - 24 * HOUR)],
  )
  return rows
}

/** Milliseconds by which the estimates of the database's clock may differ between replicas. */
const TOLERANCE = 5000

export async function readAhead(client: Client, now: number): Promise<DatabaseReport['ahead']> {
  const { rows } = await client.query(
    `select count(*)::int as count, (extract(epoch from max(received_at)) * 1000)::float8 as until
     from deliveries where delivery_id >= $1 and received_at > to_timestamp($2 / 1000.0::float8)`,
    [idAtTime(now + TOLERANCE), now + TOLERANCE],
  )
  return rows[0].count > 0 ? rows[0] : null
}

export async function readUnfinishedErasures(client: Client): Promise<DatabaseReport['unfinishedErasures']> {
  const { rows } = await client.query(
    `select count(*)::int as count, (extract(epoch from min(fenced_at)) * 1000)::float8 as since
     from erasures where erased_at is null and lifted_at is null`,
  )
  return rows[0].count > 0 ? rows[0] : null
}

/** Counts what the quarantine holds, by what was presented. `within` limits that to so many of the latest. */
export async function readUnverified(
  client: Client,
  vendors: readonly Vendor[],
  within: number | null = null,
): Promise<DatabaseReport['unverified']> {
  const proofs = vendors.flatMap(({ name, proofs }) =>
    Object.keys(proofs).map((header) => ({ name, header })),
  )
  const { rows } = await client.query(
    `select vendor, presented, count(*)::int, sum(octet_length(body))::float8 as bytes,
       (extract(epoch from max(received_at)) * 1000)::float8 as last
     from (select * from unverified_deliveries order by delivery_id desc limit $3) as u, lateral (
       select coalesce(string_agg(header, ' and ' order by header), 'no credential') as presented
       from unnest($1::text[], $2::text[]) as proof(name, header)
       where proof.name = u.vendor and (u.headers ? header or u.hashed_headers ? header)
     ) as by group by vendor, presented order by vendor, count(*) desc`,
    [proofs.map(({ name }) => name), proofs.map(({ header }) => header), within],
  )
  return rows
}

const DRIFT_PERIOD = 7 * 24 * HOUR

/** Judges the latest stored bodies of each event of the last week again. `within` limits them to so many of the latest entries of the ledger. */
export async function readDrift(
  client: Client,
  vendors: readonly Vendor[],
  now: number,
  within: number | null = null,
): Promise<DatabaseReport['drift']> {
  const names = new DriftNames()
  const onCitus = await isDistributed(client)
  const found: DatabaseReport['drift'] = []
  for (const vendor of vendors) {
    for (const event of new Set(vendor.events.map(({ name }) => name))) {
      const sample = { vendor: vendor.name, event, since: idAtTime(now - DRIFT_PERIOD), within }
      const rows = await latestBodies(client, sample, onCitus)
      const paths = new Map<string, Pick<DatabaseReport['drift'][number], 'path' | 'kind' | 'bodies'>>()
      // In two passes: a name is shown once three owners have it, and then also for the bodies before the third.
      for (const isLast of [false, true]) {
        for (const { authenticated_by, headers, body } of rows) {
          const verdict = unpackAndJudge(vendor, authenticated_by, headers, body, SAMPLE_BYTES)
          for (const each of verdict.drift) {
            const place = `${vendor.name} ${event} ${each.path}`
            const key = each.kind === 'field' ? names.nameToShow(place, each.key, verdict.owner) : null
            if (!isLast) continue
            const path = key === null ? each.path : join(each.path, key)
            const entry = paths.get(`${each.kind} ${path}`) ?? { path, kind: each.kind, bodies: 0 }
            entry.bodies += 1
            paths.set(`${each.kind} ${path}`, entry)
          }
        }
      }
      found.push(
        ...[...paths.values()].map((each) => ({ vendor: vendor.name, event, of: rows.length, ...each })),
      )
    }
  }
  return found
}
