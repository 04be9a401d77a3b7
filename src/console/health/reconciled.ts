import type { LastRun } from '../../reconcile/runs.ts'
import { type Html, html } from '../html.ts'
import { commandOf, numbers, tableOf, timeOf } from '../layout.ts'

/** What the last `nightpost reconcile` found at each vendor, and how to run it. */
export function reconciledOf(runs: readonly LastRun[]): Html {
  if (runs.length === 0)
    return html`<p class="muted">The vendors' own APIs were never asked what did not arrive.</p>${commandOf('nightpost reconcile asleep --dry-run')}`
  const rows = runs.map(
    (
      run,
    ) => html`<tr><th scope="row">${run.vendor}</th><td>${timeOf(new Date(run.at))}</td><td>${run.outcome}</td>
<td class="number">${run.missing}</td><td class="number">${run.differing}</td><td class="number">${run.pulled}</td>
<td class="number">${run.failures}</td><td class="number">${run.suspectDays}</td></tr>`,
  )
  return tableOf(
    'The last run at each vendor',
    [
      ...['Vendor', 'Ended', 'Outcome'],
      ...['Missing', 'Differing', 'Stored', 'Failures', 'Suspect days'].map(numbers),
    ],
    rows,
  )
}
