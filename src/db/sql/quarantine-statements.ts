import { isAnybodyErased, isErased } from './fence.ts'
import type { Statement } from './parameters.ts'

/** Bytes that a row and its index entries take besides their contents, so that many empty deliveries count too. */
const ROW_BYTES = 256

const sizeOf = (from: string) =>
  `octet_length(${from}.body) + octet_length(${from}.headers::text) + octet_length(${from}.hashed_headers::text)
    + ${ROW_BYTES}`

/** The position at which the newest delivery ends: the number of bytes that were ever quarantined. */
const END = `select u.position + ${sizeOf('u')} from unverified_deliveries as u order by u.position desc limit 1`

/**
 * Inserts deliveries behind the newest one. Their positions are in the order of the parameters. It leaves out those whose headers
 * name an erased person. Bodies are not read here: they are anybody's.
 */
export const insertUnverified: Statement = {
  name: 'insert unverified deliveries',
  parameters: [
    { name: 'delivery_id', type: 'uuid' },
    { name: 'vendor', type: 'text' },
    { name: 'headers', type: 'text' },
    { name: 'hashed_headers', type: 'text' },
    { name: 'body', type: 'bytea' },
    { name: 'received_at', type: 'timestamp with time zone' },
    { name: 'users', type: 'text' },
  ],
  text: `with arrived as (
  select delivery_id, vendor, headers::jsonb, hashed_headers::jsonb, body, received_at, nth
  from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::timestamptz[], $7::text[])
    with ordinality as r(delivery_id, vendor, headers, hashed_headers, body, received_at, users, nth)
  where not ${isAnybodyErased} or not exists (
    select from jsonb_array_elements_text(users::jsonb) as u(id) where ${isErased('r.vendor', 'user', 'u.id')})
)
insert into unverified_deliveries (delivery_id, vendor, headers, hashed_headers, body, received_at, position)
select delivery_id, vendor, headers, hashed_headers, body, received_at,
  coalesce((${END}), 0) + sum(${sizeOf('a')}) over (order by nth) - (${sizeOf('a')})
from arrived as a`,
}

/** Deletes the oldest deliveries until the rest takes at most `$1` bytes. */
export const deleteOldestUnverified = {
  name: 'delete oldest unverified deliveries',
  text: `delete from unverified_deliveries where position < (${END}) - $1::bigint`,
} as const
