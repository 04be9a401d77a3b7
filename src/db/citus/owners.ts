import type { Statement } from '../sql/parameters.ts'
import { insertOwners, knownOwners, linksOf, VALUES_AT_ONCE } from '../sql/shard-statements.ts'
import { rowParameters } from '../sql/values.ts'
import { type Entry, ledgerRow } from '../write/entries.ts'
import { type Client, query } from '../write/plan.ts'

export type LedgerRow = ReturnType<typeof ledgerRow>

export function run<R>(client: Client, statement: Statement, rows: readonly object[]): Promise<R[]> {
  return query<R>(client, statement, rowParameters(statement.parameters, rows))
}

/** Runs a statement whose parameters are single values, for so many rows at once as there is a statement for. */
export async function runOfValues<R>(
  client: Client,
  statementFor: (rows: number) => Statement,
  rows: ReadonlyArray<readonly unknown[]>,
): Promise<R[]> {
  const found: R[] = []
  let from = 0
  for (const size of VALUES_AT_ONCE)
    for (; rows.length - from >= size; from += size)
      found.push(
        ...(await query<R>(client, statementOf(statementFor, size), rows.slice(from, from + size).flat())),
      )
  return found
}

const made = new Map<(rows: number) => unknown, Map<number, Statement>>()

/** The text of each statement is made once. */
function statementOf(statementFor: (rows: number) => Statement, size: number): Statement {
  const sizes = made.get(statementFor) ?? new Map<number, Statement>()
  made.set(statementFor, sizes)
  const statement = sizes.get(size) ?? statementFor(size)
  sizes.set(size, statement)
  return statement
}

/** What `owners` has of the entries of a group, by the ids of their deliveries. */
export interface KnownOwners {
  readonly recorded: ReadonlySet<string>
  /** Recording them again would change nothing. */
  readonly settled: ReadonlySet<string>
}

/** About 10 MB. */
const MOST_REMEMBERED = 50_000

/**
 * Remembers owners that are recorded, so that most groups need not ask. If one is deleted since, the statements find nobody to
 * insert rows for, and the writer tries again after `forget`.
 */
export class OwnerMemory {
  /** The time of an arrival that an owner was settled for. It is for every later one that names the user, too. */
  readonly #settledAt = new Map<string, string>()

  forget(entries: readonly Entry[]): void {
    for (const { delivery } of entries) this.#settledAt.delete(keyOf(delivery.vendor, delivery.verdict.owner))
  }

  async ownersOf(client: Client, entries: readonly Entry[]): Promise<KnownOwners> {
    const recorded = new Set<string>()
    const settled = new Set<string>()
    const unknown: LedgerRow[] = []
    for (const entry of entries) {
      const { vendor, verdict, arrival } = entry.delivery
      if (verdict.owner === '') continue
      const since = this.#settledAt.get(keyOf(vendor, verdict.owner))
      if (since === undefined || !verdict.subject || arrival.receivedAt < since)
        unknown.push(ledgerRow(entry))
      else {
        recorded.add(arrival.id)
        settled.add(arrival.id)
      }
    }
    if (unknown.length === 0) return { recorded, settled }
    const known = await run<{ delivery_id: string; is_settled: boolean }>(client, knownOwners, unknown)
    const isSettled = new Map(known.map(({ delivery_id, is_settled }) => [delivery_id, is_settled]))
    for (const row of unknown) {
      const { delivery_id } = row
      if (!isSettled.has(delivery_id)) continue
      recorded.add(delivery_id)
      if (!isSettled.get(delivery_id)) continue
      settled.add(delivery_id)
      if (row.subject) this.#remember(row)
    }
    return { recorded, settled }
  }

  #remember({ vendor, owner, received_at }: LedgerRow): void {
    if (this.#settledAt.size >= MOST_REMEMBERED) this.#settledAt.clear()
    this.#settledAt.set(keyOf(vendor, owner), received_at)
  }
}

const keyOf = (vendor: string, owner: string) => `${vendor} ${owner}`

/** Records the owners of stored rows of the ledger. Usually there are none. Of each it records the row that names it first. */
export async function recordOwners(client: Client, rows: readonly LedgerRow[]): Promise<void> {
  const stored = rows.filter(({ outcome, owner }) => outcome === 'stored' && owner !== '')
  if (stored.length === 0) return
  const links = await run<{ owner: string; vendor: string; person_id: string }>(client, linksOf, stored)
  const linked = new Map(links.map(({ owner, vendor, person_id }) => [keyOf(vendor, owner), person_id]))
  const first = new Map<string, LedgerRow>()
  for (const row of stored.toSorted(byName))
    if (!first.has(keyOf(row.vendor, row.owner))) first.set(keyOf(row.vendor, row.owner), row)
  const values = [...first].map(([key, { owner, vendor, subject, received_at }]) => [
    owner,
    vendor,
    subject ?? '',
    linked.get(key) ?? (subject || owner),
    received_at,
  ])
  await runOfValues(client, insertOwners, values)
}

/** Orders rows by the owner, and puts the first row of each owner that names a user before the others. */
function byName(a: LedgerRow, b: LedgerRow): number {
  if (a.owner !== b.owner) return a.owner < b.owner ? -1 : 1
  return Number(!a.subject) - Number(!b.subject) || (a.received_at < b.received_at ? -1 : 1)
}
