import Table from 'cli-table3'
import type { Drift } from '../contract/drift.ts'
import type { DatabaseReport } from '../status/read.ts'
import type { ServiceReport } from '../status/service.ts'
import { duration, percent } from '../status/units.ts'

/** What `nightpost status` prints. A report is null if its source did not answer or was not asked. */
export function statusText(
  faults: readonly string[],
  database: DatabaseReport | null,
  service: ServiceReport | null,
): string {
  const conclusion = faults.length === 0 ? ['All is well.'] : faults.map((fault) => `WRONG  ${fault}`)
  const lines = [
    ...(database
      ? [eventsTable(database), ...driftTable(database), ...sizes(database), ...reconciled(database)]
      : []),
    ...(database && service ? serviceLines(service) : []),
    '',
    ...conclusion,
  ]
  return `${lines.join('\n')}\n`
}

const EVENTS_HEAD = [
  'vendor',
  'event',
  'last stored',
  'stored h/d',
  'rejected h/d',
  'unrecognised h/d',
  'most common problem',
]

/** One row for each event: its deliveries of the last hour and the last day by outcome. */
function eventsTable({ now, recent, lastStored, problems }: DatabaseReport): string {
  const keys = new Set([...lastStored, ...recent].map(({ vendor, event }) => `${vendor} ${event}`))
  const rows = [...keys].sort().map((key) => {
    const isEvent = (one: { vendor: string; event: string }) => `${one.vendor} ${one.event}` === key
    const at = lastStored.find(isEvent)?.at
    const sum = (outcome: string, span: 'hour' | 'day') =>
      recent
        .filter((counts) => isEvent(counts) && counts.outcome === outcome)
        .reduce((sum, counts) => sum + counts[span], 0)
    const both = (outcome: string) => `${sum(outcome, 'hour')} / ${sum(outcome, 'day')}`
    const problem = problems.find(isEvent)
    return [
      ...key.split(' '),
      at === undefined ? 'never' : `${duration(now - at)} ago`,
      both('stored'),
      both('rejected'),
      both('unrecognised'),
      problem ? `${problem.code}${problem.path ? ` ${problem.path}` : ''} (${problem.count})` : '',
    ]
  })
  return rows.length > 0 ? table(EVENTS_HEAD, rows) : 'No delivery is stored yet.'
}

const DRIFT: Readonly<Record<Drift['kind'], string>> = {
  field: 'unknown field',
  value: 'unknown value',
  type: 'mistyped, so NULL',
  record: 'record without row',
  event: 'sent under the name',
}

function driftTable({ drift }: DatabaseReport): string[] {
  if (drift.length === 0) return []
  const rows = drift.map(({ vendor, event, kind, path, bodies, of }) => [
    vendor,
    event,
    DRIFT[kind],
    path,
    `${bodies} of ${of}`,
  ])
  return [table(['vendor', 'event', 'schema drift', 'path', 'latest bodies'], rows)]
}

function sizes({ ledgerBytes, databaseBytes, unverified }: DatabaseReport): string[] {
  const count = unverified.reduce((sum, each) => sum + each.count, 0)
  const bytes = unverified.reduce((sum, each) => sum + each.bytes, 0)
  return [
    `ledger      ${megabytes(ledgerBytes)} of ${megabytes(databaseBytes)} in the database`,
    `quarantine  ${count} unverified, ${megabytes(bytes)}`,
  ]
}

/** What the last run of `nightpost reconcile` found at each vendor. */
function reconciled({ reconciled: runs }: DatabaseReport): string[] {
  return runs.map(({ vendor, outcome, age, missing, differing, pulled, failures }) => {
    const found = `${missing} missing, ${differing} differing, ${pulled} pulled, ${failures} failed`
    return `reconciled  ${vendor} ${duration(age)} ago, ${outcome}: ${found}`
  })
}

function serviceLines({ queue, onlineSteps }: ServiceReport): string[] {
  return [
    `queue       ${queue.deliveries} deliveries, ${percent(queue.full)} full`,
    ...onlineSteps.map(
      ({ name, waitsFor }) =>
        `upgrade     step ${name} ${waitsFor === null ? 'is running' : `waits for ${waitsFor}`}`,
    ),
  ]
}

function table(head: string[], rows: string[][]): string {
  const drawn = new Table({ head, style: { head: [], border: [], compact: true } })
  drawn.push(...rows)
  return drawn.toString()
}

const megabytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MB`
