import { createHash } from 'node:crypto'
import type pg from 'pg'

type Client = Pick<pg.Client, 'query'>

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

/**
 * Describes each stored delivery whose exact bytes are not in exactly one place, and each that the view `delivery_bodies`
 * does not give exactly once. It reads the tables by itself, without any code of Nightpost.
 */
export async function bodyFaults(client: Client): Promise<string[]> {
  const faults: string[] = []
  const { rows: owners } = await client.query('select distinct owner from deliveries')
  for (const { owner } of owners) {
    const { rows: entries } = await client.query(
      `select delivery_id, encode(body_digest, 'hex') as digest from deliveries where owner = $1 and outcome = 'stored'`,
      [owner],
    )
    const places = await placesOf(client, owner)
    const { rows: seen } = await client.query(
      `select delivery_id, encode(sha256(body), 'hex') as digest from delivery_bodies where owner = $1`,
      [owner],
    )
    const inView = byDelivery(seen)
    for (const { delivery_id, digest } of entries) {
      for (const [where, found] of [
        ['the tables', places.get(delivery_id)],
        ['delivery_bodies', inView.get(delivery_id)],
      ] as const) {
        if (found?.length !== 1)
          faults.push(`delivery ${delivery_id} is ${found?.length ?? 0} times in ${where}`)
        else if (found[0] !== digest) faults.push(`delivery ${delivery_id} has other bytes in ${where}`)
      }
      places.delete(delivery_id)
    }
    for (const id of places.keys()) faults.push(`a body of delivery ${id} is left without its entry`)
  }
  return faults
}

/** The digest of every body of an owner, wherever it is. */
async function placesOf(client: Client, owner: string): Promise<Map<string, string[]>> {
  const { rows: loose } = await client.query(
    `select delivery_id, encode(sha256(body), 'hex') as digest from deliveries
     where owner = $1 and outcome = 'stored' and body is not null
     union all
     select d.delivery_id, encode(sha256(substring(g.bytes from d.body_start for d.body_size)), 'hex')
     from deliveries as d join body_groups as g on g.group_id = d.body_group where d.owner = $1`,
    [owner],
  )
  const places = byDelivery(loose)
  const { rows: packs } = await client.query(
    'select delivery_ids, ends, bytes from body_packs where owner = $1',
    [owner],
  )
  for (const { delivery_ids, ends, bytes } of packs) {
    for (const [at, id] of delivery_ids.entries()) {
      const digest = sha256(bytes.subarray(at === 0 ? 0 : ends[at - 1], ends[at]))
      places.set(id, [...(places.get(id) ?? []), digest])
    }
  }
  return places
}

function byDelivery(rows: readonly { delivery_id: string; digest: string }[]): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const { delivery_id, digest } of rows)
    found.set(delivery_id, [...(found.get(delivery_id) ?? []), digest])
  return found
}

/** Describes partitions that should be gone: those detached, and those of days before `closed` that hold hot bodies. */
export async function leftPartitions(client: Client, closed: number): Promise<string[]> {
  const { rows } = await client.query(
    `select c.relname as name, i.inhrelid is null or i.inhdetachpending as is_detached
     from pg_class as c left join pg_inherits as i on i.inhrelid = c.oid
     where c.relkind = 'r' and c.relname ~ '^body_(groups|packs)_[0-9]{8}$' order by 1`,
  )
  const day = new Date(closed).toISOString().slice(0, 10).replaceAll('-', '')
  return rows
    .filter(
      ({ name, is_detached }) =>
        is_detached || (name < `body_groups_${day}` && name.startsWith('body_groups')),
    )
    .map(({ name }) => `the partition ${name} is left over`)
}
