import type { ReconcileReport } from '../reconcile/report.ts'
import { outputWidth } from './output.ts'
import { fittingTable } from './table.ts'

const REASONS = {
  missing: 'missing',
  differing: 'differs, and is newer',
  kept: 'differs; the row stays',
}

/** The report as text. */
export function reconcileText(report: ReconcileReport, isDryRun: boolean): string {
  const { byEvent, committed, failures, notes, people, calls, behind, suspectDays, vendor } = report
  const lines: string[] = []
  if (byEvent.length > 0) {
    const rows = byEvent.map(({ event, reason, records, owners }) => [
      ...[vendor, event, REASONS[reason], `${records}`, `${owners}`],
    ])
    lines.push(fittingTable(['vendor', 'event', 'reason', 'records', 'owners'], rows, outputWidth()))
  } else if (report.outcome === 'complete') lines.push('Nothing is missing, and nothing differs.')
  for (const { event, outcome, count } of committed.values()) lines.push(`${count} ${outcome}: ${event}`)
  for (const [what, count] of notes) if (what !== 'same') lines.push(`${what}: ${count}`)
  if (behind.size > 0)
    lines.push(`The vendor received data of ${owners(behind.size)} after the last delivery of that owner`)
  if (suspectDays > 0)
    lines.push(`${suspectDays} days of owners probably lack data that can't be pulled (docs/reconcile.md)`)
  for (const [what, count] of failures) lines.push(`${count} failed: ${what}`)
  lines.push(
    `${calls} calls about ${owners(people)}; ${notes.get('same') ?? 0} records compared were the same`,
  )
  if (report.reason) lines.push(`The run is ${report.outcome}: ${report.reason}`)
  if (isDryRun) lines.push('Dry run: nothing was written.')
  return `${lines.join('\n')}\n`
}

export function reconcileJson(report: ReconcileReport, dryRun: boolean): object {
  const { vendor, outcome, reason, people, calls, found, byEvent, committed, failures, notes } = report
  return {
    ...{ vendor, outcome, reason, dryRun, people, calls },
    missing: report.count('missing'),
    differing: report.count('differing'),
    kept: report.count('kept'),
    pulled: report.pulled,
    suspectDays: report.suspectDays,
    ...{ behind: [...report.behind], byEvent, found },
    committed: [...committed.values()],
    failures: Object.fromEntries(failures),
    notes: Object.fromEntries(notes),
  }
}

const owners = (count: number) => (count === 1 ? '1 owner' : `${count} owners`)
