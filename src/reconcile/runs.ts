import type pg from 'pg'
import type { ReconcileReport } from './report.ts'

type Client = Pick<pg.Pool, 'query'>

/** Records that a run began. */
export async function beginRun(
  client: Client,
  run: {
    readonly runId: string
    readonly vendor: string
    readonly startedBy: string
    readonly isOnlySome: boolean
    readonly period: { readonly from: number; readonly to: number }
  },
): Promise<void> {
  const { runId, vendor, startedBy, isOnlySome, period } = run
  await client.query(
    `insert into reconcile_runs (run_id, vendor, started_by, only_some, began_at, period_from, period_to)
     values ($1, $2, $3, $4, clock_timestamp(), to_timestamp($5 / 1000.0::float8), to_timestamp($6 / 1000.0::float8))`,
    [runId, vendor, startedBy, isOnlySome, period.from, period.to],
  )
}

/** Records how the run ended. */
export async function finishRun(client: Client, runId: string, report: ReconcileReport): Promise<void> {
  const { outcome, reason, people, calls, pulled, failed, behind, suspectDays } = report
  await client.query(
    `update reconcile_runs set finished_at = clock_timestamp(), outcome = $2, reason = $3, people = $4, calls = $5, missing = $6,
       differing = $7, pulled = $8, kept = $9, failures = $10, behind = $11, suspect_days = $12 where run_id = $1`,
    [
      ...[runId, outcome, reason, people, calls, report.count('missing'), report.count('differing'), pulled],
      ...[report.count('kept'), failed, behind.size, suspectDays],
    ],
  )
}

/** What the last finished run of a vendor found. */
export interface LastRun {
  readonly vendor: string
  readonly outcome: string
  /** When it ended, in milliseconds of Unix time. */
  readonly at: number
  /** Milliseconds since then. */
  readonly age: number
  readonly calls: number
  readonly missing: number
  readonly differing: number
  readonly pulled: number
  readonly kept: number
  readonly failures: number
  readonly behind: number
  readonly suspectDays: number
}

/** The last run of each vendor that was about everybody. */
export async function lastRuns(client: Client | Pick<pg.ClientBase, 'query'>): Promise<LastRun[]> {
  const { rows } = await client.query(
    `select distinct on (vendor) vendor, outcome, (extract(epoch from finished_at) * 1000)::float8 as at,
       (extract(epoch from clock_timestamp() - finished_at) * 1000)::float8 as age, calls, missing, differing, pulled, kept,
       failures, behind, suspect_days as "suspectDays"
     from reconcile_runs where finished_at is not null and not only_some order by vendor, finished_at desc`,
  )
  return rows
}
