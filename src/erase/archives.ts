import type pg from 'pg'
import { locked } from '../archive/archive.ts'
import { changeArchive } from '../archive/change.ts'
import type { ArchivedDelivery } from '../archive/format.ts'
import { userHeaders } from '../contract/user-headers.ts'
import { namedIn } from './ownerless.ts'
import type { Person } from './person.ts'

/** Removes a person's deliveries from archives. Returns how many went or no longer name the person, by directory. */
export async function eraseFromArchives(
  client: pg.ClientBase,
  schema: string,
  person: Person,
  directories: readonly string[],
  signal?: AbortSignal,
): Promise<Record<string, number>> {
  const changed: Record<string, number> = {}
  const options = signal ? { signal } : {}
  for (const directory of directories)
    changed[directory] = await locked(client, schema, () =>
      changeArchive(directory, (delivery) => without(person, delivery), options),
    )
  return changed
}

/** As `erase` does it in the ledger: what is the person's goes, and what is another's no longer names the person. */
function without(person: Person, delivery: ArchivedDelivery): ArchivedDelivery | null {
  const { vendor, owner, user_id, headers, body, outcome } = delivery
  if (vendor !== person.vendor.name) return delivery
  if (owner === '') return namedIn(person, headers, body) ? null : delivery
  if (person.owners.includes(owner)) return null
  if (outcome === 'stored' || user_id === null || !person.users.includes(user_id)) return delivery
  const names = userHeaders(person.vendor)
  const others = Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name)))
  return { ...delivery, user_id: null, headers: others }
}
