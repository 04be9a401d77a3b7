import { totalOf } from './count.ts'
import type { Erased } from './erase.ts'
import type { Traces } from './traces.ts'

const DAY = 86_400_000

/** What an erasure did, what it could not reach, and what is left to do. */
export interface Certificate {
  readonly vendor: string
  readonly owners: readonly string[]
  readonly users: readonly string[]
  readonly erasedAt: string
  readonly before: Readonly<Record<string, number>>
  readonly deleted: Readonly<Record<string, number>>
  readonly after: Readonly<Record<string, number>>
  readonly rowsLeft: number
  /** Deliveries changed or removed by archive; empty if none was given. */
  readonly archives: Readonly<Record<string, number>>
  readonly sharedUsers: readonly string[]
  readonly unreadable: { readonly count: number; readonly keptUntil: string | null }
  readonly notVacuumed: readonly string[]
  readonly traces: Traces
  readonly vendorDeletion: string | null
}

export interface Surroundings {
  readonly traces: Traces
  readonly archives: Readonly<Record<string, number>>
  readonly notVacuumed: readonly string[]
  /** DELIVERY_RETENTION_DAYS, or undefined. */
  readonly deliveryRetentionDays: number | undefined
  readonly now: Date
}

export function certificateOf(
  { person, before, deleted, after }: Erased,
  { traces, archives, notVacuumed, deliveryRetentionDays: days, now }: Surroundings,
): Certificate {
  const newest = after.newestUnreadable
  return {
    vendor: person.vendor.name,
    owners: person.owners,
    users: person.users,
    erasedAt: now.toISOString(),
    before: before.counts,
    deleted,
    after: after.counts,
    rowsLeft: totalOf(after.counts),
    archives,
    sharedUsers: person.sharedUsers,
    unreadable: {
      count: after.unreadable,
      keptUntil:
        newest === null || days === undefined
          ? null
          : new Date(Date.parse(newest) + days * DAY).toISOString().slice(0, 10),
    },
    notVacuumed,
    traces,
    vendorDeletion: person.vendor.deletionAdvice?.(person) ?? null,
  }
}

/** The certificate as text, for a file or a letter. */
export function certificateText(certificate: Certificate): string {
  const { vendor, owners, users, erasedAt, before, after, rowsLeft } = certificate
  const names = Object.keys(before).filter((name) => (before[name] ?? 0) > 0 || (after[name] ?? 0) > 0)
  const width = Math.max(5, ...names.map((name) => name.length))
  const line = (name: string, a: number | string, b: number | string) =>
    `  ${name.padEnd(width)}  ${String(a).padStart(10)}  ${String(b).padStart(10)}`
  return [
    rowsLeft === 0 ? 'ERASED' : 'NOT ERASED: rows are left. Run the command again.',
    '',
    `vendor  ${vendor}`,
    `owner   ${owners.join(', ') || 'none'}`,
    ...(users.join() === owners.join() ? [] : [`users   ${users.join(', ') || 'none'}`]),
    `time    ${erasedAt}`,
    '',
    line('Rows', 'before', 'after'),
    ...(names.length > 0
      ? names.map((name) => line(name, before[name] ?? 0, after[name] ?? 0))
      : ['  Nothing was stored about this person.']),
    '',
    'Deliveries about this person are answered 200 "erased" from now on, and nothing of them is kept.',
    '',
    'Copies that this command did not reach:',
    ...remarks(certificate).map((remark) => `- ${remark}`),
    '',
  ].join('\n')
}

function remarks(certificate: Certificate): string[] {
  const { traces, archives, notVacuumed, unreadable, sharedUsers, vendorDeletion } = certificate
  const dead = traces.tables.filter(({ deadRows }) => deadRows > 0)
  const all: string[] = []
  if (unreadable.count > 0)
    all.push(
      `${unreadable.count} rejected or unverified deliveries name nobody and can't be read. They may be about this person. ${
        unreadable.keptUntil === null
          ? 'DELIVERY_RETENTION_DAYS is not set, so they are kept until somebody deletes them.'
          : `Retention deletes the last of them on ${unreadable.keptUntil}.`
      }`,
    )
  if (sharedUsers.length > 0)
    all.push(
      `Deliveries without an owner that name the user ids ${sharedUsers.join(', ')}: other profiles have these ids too. Use --external-id to erase all of them.`,
    )
  const directories = Object.entries(archives)
  if (directories.length > 0)
    all.push(
      `Archives were rewritten: ${directories.map(([path, n]) => `${path} (${n} deliveries)`).join(', ')}.`,
    )
  else
    all.push(
      `Archives of nightpost archive or maintain --archive${traces.archivedAt === null ? '' : ` (the last was written at ${traces.archivedAt})`}: give each with --archive DIRECTORY.`,
    )
  if (notVacuumed.length > 0)
    all.push(
      `Deleted rows on disk: this role may not vacuum ${notVacuumed.join(', ')}. Their owner should run VACUUM (ANALYZE).`,
    )
  else if (dead.length > 0)
    all.push(
      `Deleted rows on disk: ${dead.map(({ table, deadRows }) => `${table} (about ${deadRows})`).join(', ')}. A transaction may still see them${
        traces.oldestSnapshotSeconds === null
          ? ''
          : ` (the oldest is ${Math.round(traces.oldestSnapshotSeconds)} s old)`
      }; a later VACUUM removes them.`,
    )
  all.push(
    `The write-ahead log on the server, until it is recycled${traces.archivesWal ? ', and its archive, as long as you keep it' : ''}.`,
    traces.replicas > 0
      ? `${traces.replicas} streaming replicas: they follow within their lag.`
      : 'Replicas, if there are any: none is connected now.',
    'Backups and dumps, as long as you keep them. After a restore run nightpost erase --reapply FILE.',
    'What you copied elsewhere: exports, files of other tools, and the logs of a proxy in front of Nightpost.',
  )
  if (vendorDeletion !== null)
    all.push(`The vendor's own copy. Its deletion call:\n${indented(vendorDeletion)}`)
  return all
}

const indented = (text: string) =>
  text
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n')
