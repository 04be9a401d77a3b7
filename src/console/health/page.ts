import type { Drift } from '../../contract/drift.ts'
import type { Observed } from '../../ops/metrics/histogram.ts'
import type { LedgerState } from '../../ops/metrics/process-state.ts'
import type { Fault } from '../../status/faults.ts'
import type { ServiceReport } from '../../status/service.ts'
import { duration, percent } from '../../status/units.ts'
import { refusedTable } from '../arrivals/page.ts'
import type { RefusedCount } from '../arrivals/refused.ts'
import { type Content, type Html, html } from '../html.ts'
import { commandOf, factsOf, numbers, pageOf, sizeOf, tableOf } from '../layout.ts'
import type { HealthReport, Rhythm } from './read.ts'
import { reconciledOf } from './reconciled.ts'
import { REMEDIES } from './remedies.ts'
import { sparkline } from './sparkline.ts'

export interface HealthPage {
  readonly faults: readonly Fault[]
  readonly report: HealthReport
  readonly service: ServiceReport
  readonly refused: readonly RefusedCount[]
  readonly ledger: LedgerState | null
  readonly groups: Observed<string> | undefined
  /** From the arrival to the commit, by vendor; and from the making at the vendor to the arrival, by event. */
  readonly commitLags: ReadonlyArray<Observed<'vendor'>>
  readonly vendorLags: ReadonlyArray<Observed<'vendor' | 'event'>>
}

export function healthPage(page: HealthPage): Html {
  return pageOf({
    title: 'Health',
    at: '/health',
    content: html`<h1>Health</h1>
${faultsOf(page.faults)}
<section aria-labelledby="events"><h2 id="events">Events</h2>${eventsOf(page)}</section>
${page.refused.length > 0 && html`<section aria-labelledby="refused"><h2 id="refused">Refused with 401</h2>${refusedTable(page.refused)}</section>`}
<section aria-labelledby="reconciled"><h2 id="reconciled">What never came</h2>${reconciledOf(page.report.reconciled)}</section>
<section aria-labelledby="drift"><h2 id="drift">Schema drift</h2>${driftOf(page.report)}</section>
<div class="columns">
<section aria-labelledby="service"><h2 id="service">Service</h2>${serviceOf(page)}</section>
<section aria-labelledby="ledger"><h2 id="ledger">Ledger</h2>${ledgerOf(page.ledger)}</section>
</div>
<section aria-labelledby="lag"><h2 id="lag">Lag</h2>${lagsOf(page)}</section>`,
  })
}

function faultsOf(faults: readonly Fault[]): Html {
  if (faults.length === 0) return html`<p class="notice good">All is well.</p>`
  const kinds = [...new Set(faults.map(({ kind }) => kind))]
  return html`<ul class="faults">${kinds.map((kind) => {
    const { text, command } = REMEDIES[kind]
    const own = faults.filter((fault) => fault.kind === kind)
    return html`<li class="notice bad">${own.map((fault) => html`<p><strong>${fault.text}</strong></p>`)}
<p>${text}</p>${command && commandOf(command)}</li>`
  })}</ul>`
}

function eventsOf({ report }: HealthPage): Html {
  const { now, lastStored, rhythms, since, problems } = report
  const keys = new Set([...lastStored, ...rhythms].map(({ vendor, event }) => `${vendor} ${event}`))
  if (keys.size === 0)
    return html`<p class="empty">Nothing was ever stored. <a href="/connect">Connect a vendor</a></p>`
  const span = duration(now - since)
  const rows = [...keys].sort().map((key) => {
    const [vendor = '', event = ''] = key.split(' ')
    const isIt = (one: { vendor: string; event: string }) => one.vendor === vendor && one.event === event
    const last = lastStored.find(isIt)
    const rhythm = rhythms.find(isIt)
    const problem = problems.find(isIt)
    const count = (outcome: string) => rhythm?.outcomes[outcome] ?? 0
    const counted = (outcome: string) =>
      count(outcome) > 0
        ? html`<a href="/?${new URLSearchParams({ vendor, ...(event !== 'unknown' && { event }), outcome }).toString()}">${count(outcome)}</a>`
        : '0'
    return html`<tr><th scope="row"><span class="muted">${vendor}</span> ${event}</th>
<td>${sparkline(rhythm?.parts ?? [], `${total(rhythm)} in the last ${span}`)}</td>
<td>${last ? html`${duration(now - last.at)} ago` : 'never stored'}${isSilent(now, last?.at, rhythm) && html` <span class="outcome outcome-rejected">silent</span>`}</td>
<td>${pauseOf(rhythm)}</td>
<td class="number">${counted('stored')}</td><td class="number">${counted('rejected')}</td><td class="number">${counted('unrecognised')}</td>
<td>${problem && html`<code>${problem.code}</code> ${problem.path && html`<code>${problem.path}</code>`} (${problem.count})`}</td></tr>`
  })
  return tableOf(
    `Events of the last ${span}`,
    [
      'Event',
      `Last ${span}`,
      'Last stored',
      'Longest pause',
      numbers('Stored'),
      numbers('Rejected'),
      numbers('Unrecognised'),
      'Most common problem',
    ],
    rows,
  )
}

const pauseOf = (rhythm: Rhythm | undefined) => {
  const gap = rhythm?.longestGap ?? null
  if (gap === null) return '–'
  return gap < 1_000 ? 'less than 1 s' : duration(gap)
}

const total = (rhythm: Rhythm | undefined) => (rhythm?.parts ?? []).reduce((sum, count) => sum + count, 0)

const HOUR = 3_600_000

/** Three times the longest pause of the last day, but at least an hour; without a rhythm, two days. */
function isSilent(now: number, last: number | undefined, rhythm: Rhythm | undefined): boolean {
  if (last === undefined) return false
  const usual = rhythm?.longestGap ?? null
  return now - last > (usual === null ? 48 * HOUR : Math.max(HOUR, 3 * usual))
}

const DRIFT: Readonly<Record<Drift['kind'], string>> = {
  field: 'unknown field',
  value: 'unknown value',
  type: 'another type than documented, so NULL',
  record: 'record without a row',
  event: 'sent under the name',
}

function driftOf({ drift }: HealthReport): Html {
  if (drift.length === 0) return html`<p class="muted">The latest bodies fit what the vendors document.</p>`
  const rows = drift.map(
    ({
      vendor,
      event,
      kind,
      path,
      bodies,
      of,
    }) => html`<tr><th scope="row"><span class="muted">${vendor}</span> ${event}</th>
<td>${DRIFT[kind]}</td><td><code>${path}</code></td><td class="number">${bodies} of ${of}</td></tr>`,
  )
  return html`${tableOf('Differences from the documented schema', ['Event', 'What', 'Path', numbers('Latest bodies')], rows)}
<p class="hint">Nothing is lost: the exact bytes are kept. A version that knows the field fills its column with:</p>${commandOf('nightpost replay --all')}`
}

function serviceOf({ service, groups }: HealthPage): Html {
  const { queue, skew, onlineSteps, shed } = service
  const shedCount = Object.values(shed).reduce((sum, count) => sum + count, 0)
  return factsOf([
    ['Queue', `${queue.deliveries} deliveries, ${percent(queue.full)} full`],
    [
      'Group size',
      groups && groups.count > 0
        ? `${(groups.sum / groups.count).toFixed(1)} deliveries on average`
        : 'none yet',
    ],
    ['Clock', `${Math.abs(skew).toFixed(2)} s ${skew < 0 ? 'behind' : 'ahead of'} the database's`],
    ['Answered 503 unread', String(shedCount)],
    [
      'Upgrade',
      onlineSteps.length === 0
        ? 'no step is pending'
        : html`<ul>${onlineSteps.map(({ name, waitsFor }) => html`<li>${name}: ${waitsFor === null ? 'running' : `waits for ${waitsFor}`}</li>`)}</ul>`,
    ],
  ])
}

const LEAST_AHEAD = 3

function ledgerOf(ledger: LedgerState | null): Html {
  if (!ledger) return html`<p class="muted">Read 10 s after the start, and then every 10 minutes.</p>`
  const { sizes, daysAhead, oldestBodySeconds } = ledger
  return factsOf([
    ['Entries', sizeOf(sizes.entries)],
    ['Bodies of the last days', sizeOf(sizes.hot_bodies)],
    ['Packed bodies', sizeOf(sizes.packed_bodies)],
    ['Rows', sizeOf(sizes.rows)],
    ['Oldest body', oldestBodySeconds === null ? 'none' : `${duration(oldestBodySeconds * 1000)} old`],
    [
      'Partitions ahead',
      html`${daysAhead} days${daysAhead < LEAST_AHEAD && html` <span class="outcome outcome-rejected">few</span> ${commandOf('nightpost maintain')}`}`,
    ],
  ])
}

function lagsOf({ commitLags, vendorLags }: HealthPage): Html {
  const row = (name: Content, { count, quantile }: Pick<Observed<string>, 'count' | 'quantile'>) =>
    html`<tr><th scope="row">${name}</th><td class="number">${count}</td><td>${atMost(quantile(0.5))}</td><td>${atMost(quantile(0.95))}</td></tr>`
  const rows = [
    ...commitLags
      .filter(({ count }) => count > 0)
      .map((lag) => row(`${lag.labels.vendor}: arrival to commit`, lag)),
    ...vendorLags
      .filter(({ count }) => count > 0)
      .map((lag) => row(`${lag.labels.vendor} ${lag.labels.event}: made at the vendor to arrival`, lag)),
  ]
  if (rows.length === 0) return html`<p class="muted">Nothing has arrived since the start.</p>`
  return tableOf(
    'Lag since the start',
    ['From and to', numbers('Deliveries'), 'Half within', '95 % within'],
    rows,
  )
}

const atMost = (seconds: number) => {
  if (seconds === Number.POSITIVE_INFINITY) return 'more than 7 d'
  return seconds < 1 ? `${seconds * 1000} ms` : duration(seconds * 1000)
}
