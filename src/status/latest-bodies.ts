import type pg from 'pg'
import { joinBodies } from '../db/citus/join-bodies.ts'

type Client = Pick<pg.ClientBase, 'query'>

/** Bodies of each event that are judged again to find drift, and the size of the largest. */
const SAMPLE = 50
export const SAMPLE_BYTES = 2 ** 20

/** Which bodies: the latest stored ones of an event, since an id of the ledger, among its latest `within` entries. */
export interface Sample {
  readonly vendor: string
  readonly event: string
  readonly since: string
  readonly within: number | null
}

export interface SampleBody {
  readonly authenticated_by: string
  readonly headers: Record<string, string>
  readonly body: Buffer
}

/** Returns the latest bodies first. */
export async function latestBodies(
  client: Client,
  { vendor, event, since, within }: Sample,
  onCitus: boolean,
): Promise<SampleBody[]> {
  if (!onCitus) return (await client.query(LATEST, [vendor, event, since, within])).rows
  const values = [vendor, event, since]
  const { rows: latest } =
    within === null
      ? await client.query(LATEST_ON_CITUS, values)
      : await client.query(LATEST_WITHIN_ON_CITUS, [...values, within])
  if (latest.length === 0) return []
  const { rows } = await client.query(BODIES_ON_CITUS, [
    latest.map(({ delivery_id }) => delivery_id),
    latest.map(({ owner }) => owner),
  ])
  return rows
}

const ONE_EVENT = `vendor = $1 and event = $2 and outcome = 'stored'
             and coalesce(body_size, octet_length(body)) <= ${SAMPLE_BYTES}
           order by delivery_id desc limit ${SAMPLE}`

const LATEST = `select authenticated_by, headers, b.body from (
           select delivery_id, authenticated_by, headers from (
             select * from deliveries where delivery_id >= $3 order by delivery_id desc limit $4
           ) as entries where ${ONE_EVENT}
         ) as latest join delivery_bodies as b using (delivery_id) order by delivery_id desc`

/** What has a limit is copied to the coordinator: so the ids first, and then their bodies. */
const LATEST_ON_CITUS = `select delivery_id, owner from deliveries where delivery_id >= $3 and ${ONE_EVENT}`

/** The size is computed below the limit, so that no body is copied. The empty one stands for it in `ONE_EVENT`. */
const LATEST_WITHIN_ON_CITUS = `select delivery_id, owner from (
    select delivery_id, owner, vendor, event, outcome, coalesce(body_size, octet_length(body)) as body_size, ''::bytea as body
    from deliveries where delivery_id >= $3 order by delivery_id desc limit $4
  ) as entries where ${ONE_EVENT}`

const BODIES_ON_CITUS = `select d.authenticated_by, d.headers, b.body from deliveries as d join ${joinBodies('$1')}
  where d.delivery_id = any($1::uuid[]) and d.owner = any($2::text[]) order by d.delivery_id desc`
