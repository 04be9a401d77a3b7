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
    readonly period: { readonly from: number; readonly to: number }
  },
): Promise<void> {
  const { runId, vendor, startedBy, period } = run
  await client.query(
    `insert into reconcile_runs (run_id, vendor, started_by, began_at, period_from, period_to)
     values ($1, $2, $3, clock_timestamp(), to_timestamp($4 / 1000.0::float8), to_timestamp($5 / 1000.0::float8))`,
    [runId, vendor, startedBy, period.from, period.to],
  )
}

/** Records how it ended. */
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

/** When the schedule last finished a run of a vendor, in milliseconds of Unix time, and how long ago that is; null if never. */
export async function lastRunAge(client: Client, vendor: string): Promise<number | null> {
  const { rows } = await client.query(
    `select (extract(epoch from clock_timestamp() - max(finished_at)) * 1000)::float8 as age
     from reconcile_runs where vendor = $1 and started_by = 'schedule'`,
    [vendor],
  )
  return rows[0].age
}
