import { sql } from 'drizzle-orm'
import { type Parameter, statement } from './parameters.ts'

/** What an id of a person is: the owner of deliveries and rows, or the user that a header or a body names. */
export type PersonKind = 'owner' | 'user'

/**
 * SQL for the hash of a person's id, as the primary key of `erasures` has it. The key is a subquery that Postgres evaluates once.
 * No vendor's name has a space, so different persons have different texts.
 */
export const personHash = (vendor: string, kind: PersonKind, id: string): string =>
  `sha256((select k.key from erasure_key as k) || convert_to(${vendor} || ' ${kind} ' || ${id}, 'UTF8'))`

/**
 * SQL for whether a person is erased; NULL if not. It is a subquery for each row, so that Postgres probes the primary key and
 * never builds a hash table of all erased persons.
 */
export const isErased = (vendor: string, kind: PersonKind, id: string): string =>
  `(select true from erasures as e where e.person = ${personHash(vendor, kind, id)} and e.lifted_at is null)`

/** Postgres evaluates it once for a statement, and hashes nothing while it is false. */
export const isAnybodyErased = '(select exists (select from erasures))'

/** A condition: the owner of a row of `deliveries` with this alias is not erased. */
export const isNotFenced = (alias: string): string =>
  `(not ${isAnybodyErased} or ${isErased(`${alias}.vendor`, 'owner', `${alias}.owner`)} is null)`

/** The user that a delivery names. The ledger has only the one of the header, in `user_id`. */
export const subject: Parameter = { name: 'subject', type: 'text' }

/**
 * SQL for whether a delivery `r` concerns an erased person; NULL if not. Where the owner is the user, one hash is enough: an
 * erasure raises the fence for both.
 */
const isFenced = `case when ${isAnybodyErased} then coalesce(${isErased('r.vendor', 'owner', 'r.owner')},
    case when r.subject <> r.owner then ${isErased('r.vendor', 'user', 'r.subject')} end) end`

/** A condition for the rows `r` of a group: the delivery concerns no erased person. While nobody is erased it reads one page. */
export const isStorable = sql.raw(`(${isFenced}) is null`)

/** Returns the ids of the deliveries that concern erased persons. */
export const fencedDeliveries = statement(
  'fenced deliveries',
  [
    { name: 'delivery_id', type: 'uuid' },
    { name: 'vendor', type: 'text' },
    { name: 'owner', type: 'text' },
    subject,
  ],
  sql`select r.delivery_id from unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) as r(delivery_id, vendor, owner, subject)
where (${sql.raw(isFenced)}) is not null`,
)
