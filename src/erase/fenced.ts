import type pg from 'pg'
import type { Vendor } from '../contract/vendor.ts'
import type { PersonKind } from '../db/sql/fence.ts'
import { everybodyOf } from './everybody.ts'
import { fencedTogether, raiseFence, requireFenceReaders, waitForWriters } from './fence.ts'
import { hashOf, keyOf } from './ids.ts'
import type { Person } from './person.ts'
import { transaction } from './transaction.ts'

/**
 * Puts up the fence around the persons whom `find` finds, and waits for the writers that may not have seen it. A delivery may
 * have brought a further id meanwhile, so it looks again. Returns the persons with all their ids. Nothing is deleted yet.
 */
export async function fencePersons(
  client: pg.ClientBase,
  find: () => Promise<readonly Person[]>,
  signal?: AbortSignal,
): Promise<Person[]> {
  await requireFenceReaders(client)
  for (let persons = await withFenced(client, await find()); ; ) {
    const fenced = persons
    await transaction(client, () => raiseFence(client, fenced))
    // Otherwise Postgres may take the table for empty, and read all of it for each delivery.
    await client.query('analyze erasures')
    await waitForWriters(client, signal)
    const found = await withFenced(client, united(persons, await find()))
    if (idCount(found) === idCount(persons)) return found
    persons = found
  }
}

const idCount = (persons: readonly Person[]) =>
  persons.reduce((sum, { owners, users }) => sum + owners.length + users.length, 0)

/** Persons of the same vendors in the same order, with the ids of both. */
function united(before: readonly Person[], now: readonly Person[]): Person[] {
  return before.map((person, at) => ({
    ...person,
    owners: both(person.owners, now[at]?.owners ?? []),
    users: both(person.users, now[at]?.users ?? []),
  }))
}

const both = (some: readonly string[], others: readonly string[]) => [...new Set([...some, ...others])]

/**
 * Adds the ids that were fenced together with those of the persons: an erasure that was interrupted has deleted the rows by which
 * they were found. What is left of them in the tables is found by the hashes. Reads the ids of everybody, if a hash is unknown.
 */
export async function withFenced(client: pg.ClientBase, persons: readonly Person[]): Promise<Person[]> {
  const together = await fencedTogether(client, persons)
  if (together.size === 0) return [...persons]
  const key = await keyOf(client)
  const complete: Person[] = []
  for (const person of persons) {
    const hashes = new Set(together.get(person.vendor.name))
    for (const id of person.owners) hashes.delete(hashOf(key, person.vendor.name, 'owner', id))
    for (const id of person.users) hashes.delete(hashOf(key, person.vendor.name, 'user', id))
    complete.push(hashes.size === 0 ? person : await withIds(client, person, key, hashes))
  }
  return complete
}

/** All persons of a vendor who are erased, as if they were one; null if there is none. */
export async function fencedPersons(client: pg.ClientBase, vendor: Vendor): Promise<Person | null> {
  const { rows } = await client.query(
    `select encode(person, 'hex') as person from erasures where vendor = $1 and lifted_at is null`,
    [vendor.name],
  )
  if (rows.length === 0) return null
  const nobody = { vendor, owners: [], users: [], sharedUsers: [] }
  const hashes = new Set<string>(rows.map(({ person }) => person))
  return await withIds(client, nobody, await keyOf(client), hashes)
}

/** Adds the ids that have these hashes. The hashes of ids that no table has are kept for what has no owner. */
async function withIds(
  client: pg.ClientBase,
  person: Person,
  key: Buffer,
  hashes: ReadonlySet<string>,
): Promise<Person> {
  const left = new Set(hashes)
  const everybody = await everybodyOf(client, person.vendor)
  const fenced = (kind: PersonKind, ids: ReadonlySet<string>) =>
    [...ids].filter((id) => left.delete(hashOf(key, person.vendor.name, kind, id)))
  const owners = both(person.owners, fenced('owner', everybody.owners))
  const users = both(person.users, fenced('user', everybody.users))
  const sharedUsers = person.sharedUsers.filter((user) => !users.includes(user))
  return { ...person, owners, users, sharedUsers, unnamed: { key, hashes: left } }
}
