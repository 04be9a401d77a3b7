import type { Statement } from '../sql/parameters.ts'
import { insertOwner, knownOwners, linksOf } from '../sql/shard-statements.ts'
import { rowParameters } from '../sql/values.ts'
import { type Entry, ledgerRow } from '../write/entries.ts'
import { type Client, query } from '../write/plan.ts'

export type LedgerRow = ReturnType<typeof ledgerRow>

export function run<R>(client: Client, statement: Statement, rows: readonly object[]): Promise<R[]> {
  return query<R>(client, statement, rowParameters(statement.parameters, rows))
}

/** What `owners` has of the entries of a group, by the ids of their deliveries. */
export interface KnownOwners {
  readonly recorded: ReadonlySet<string>
  /** Recording them again would change nothing. */
  readonly settled: ReadonlySet<string>
}

export async function ownersOf(client: Client, entries: readonly Entry[]): Promise<KnownOwners> {
  const rows = entries.map(ledgerRow).filter(({ owner }) => owner !== '')
  if (rows.length === 0) return { recorded: new Set(), settled: new Set() }
  const known = await run<{ delivery_id: string; is_settled: boolean }>(client, knownOwners, rows)
  return {
    recorded: new Set(known.map(({ delivery_id }) => delivery_id)),
    settled: new Set(known.filter(({ is_settled }) => is_settled).map(({ delivery_id }) => delivery_id)),
  }
}

/** Records the owners of stored rows of the ledger, one by one: usually there are none. */
export async function recordOwners(client: Client, rows: readonly LedgerRow[]): Promise<void> {
  const stored = rows.filter(({ outcome, owner }) => outcome === 'stored' && owner !== '')
  if (stored.length === 0) return
  const links = await run<{ owner: string; vendor: string; person_id: string }>(client, linksOf, stored)
  const linked = new Map(links.map(({ owner, vendor, person_id }) => [`${vendor} ${owner}`, person_id]))
  const inOrder = stored.toSorted((a, b) => (a.owner < b.owner ? -1 : a.owner > b.owner ? 1 : 0))
  for (const { owner, vendor, subject, received_at } of inOrder) {
    const person = linked.get(`${vendor} ${owner}`) ?? (subject || owner)
    await query(client, insertOwner, [owner, vendor, subject ?? '', person, received_at])
  }
}
