import { hash } from 'node:crypto'
import type pg from 'pg'
import { inChunks } from '../../archive/chunks.ts'
import { userHeaders } from '../../contract/user-headers.ts'
import type { Headers, Vendor } from '../../contract/vendor.ts'
import { joinBodies } from '../../db/citus/join-bodies.ts'
import { isDistributed } from '../../db/citus/state.ts'
import { DamagedBody } from '../../db/upkeep/packs.ts'
import { type Column, findRelation } from '../columns.ts'
import { readRows } from '../read.ts'
import { quoted } from '../select.ts'
import { claimsOf, headerForms, type Subject } from './subject.ts'

/** Where the body is stored, and hashes of keys: nothing about the person. */
const INTERNAL = new Set(['body', 'body_group', 'body_start', 'hashed_headers', 'position'])

/** A delivery with its exact body. */
export interface DeliveryBody {
  readonly delivery_id: string
  readonly event: string | null
  readonly received_at: string
  readonly headers: Headers
  readonly body: Buffer
}

export interface Table {
  readonly about: string
  readonly columns: readonly Column[]
  readonly select: { readonly text: string; readonly values: readonly unknown[] }
}

const OWN = `vendor = $1 and owner = any($2) and (owner <> '' or user_id = any($3))`

function parametersOf(vendor: Vendor, { owner, names, hasUnowned }: Subject) {
  const owners = [...(owner === null ? [] : [owner]), ...(hasUnowned ? [''] : [])]
  return [vendor.name, owners, names] as const
}

/** The ledger's entries. A header that names another user is withheld: it is somebody else's id. */
export async function entriesOf(client: pg.ClientBase, vendor: Vendor, subject: Subject): Promise<Table> {
  const names = `$4::text[]`
  const table = await tableOf(client, 'deliveries', (column) =>
    column === 'user_id'
      ? `case when user_id is null or user_id = any(${names}) then user_id else ${WITHHELD} end`
      : column === 'headers'
        ? maskedHeaders(vendor, names)
        : quoted(column),
  )
  const about = 'Every message that was received about the person: when, from where, and what became of it.'
  const values = [...parametersOf(vendor, subject), headerForms(subject.names)]
  const text = `${table.select.text} where ${OWN} order by delivery_id`
  return { ...table, about, select: { text, values } }
}

const WITHHELD = `'(withheld: the id of another user)'`

const maskedHeaders = (vendor: Vendor, names: string) =>
  userHeaders(vendor).reduce(
    (headers, name) =>
      `case when headers->>'${name}' is not null and not headers->>'${name}' = any(${names}) ` +
      `then jsonb_set(${headers}, '{${name}}', to_jsonb(${WITHHELD}::text)) else ${headers} end`,
    'headers',
  )

/** The columns of a table of deliveries without its internal ones. The digest is hex. */
async function tableOf(
  client: pg.ClientBase,
  name: string,
  expressionOf: (column: string) => string,
): Promise<Table> {
  const relation = await findRelation(client, name)
  const columns = relation?.columns.filter((column) => !INTERNAL.has(column.name)) ?? []
  const expressions = columns.map((column) =>
    column.kind === 'bytea' ? `encode(${quoted(column.name)}, 'hex')` : expressionOf(column.name),
  )
  return {
    about: relation?.comment ?? '',
    columns: columns.map((column) => (column.kind === 'bytea' ? { ...column, kind: 'text' } : column)),
    select: { text: `select ${expressions.join(', ')} from ${quoted(name)}`, values: [] },
  }
}

/** The exact bodies that are still kept, in the order of their arrival. */
export async function* bodiesOf(
  client: pg.ClientBase,
  vendor: Vendor,
  subject: Subject,
  signal: AbortSignal,
): AsyncGenerator<DeliveryBody> {
  const values = parametersOf(vendor, subject)
  const text = `select delivery_id, coalesce(body_size, octet_length(body), 0) from deliveries where ${OWN} order by 1`
  const byId = (await isDistributed(client)) ? BY_ID_ON_CITUS : BY_ID
  for await (const chunk of inChunks(idsOf(client, { text, values }, signal), ({ size }) => size)) {
    const { rows } = await client.query(byId, [chunk.map(({ id }) => id), values[1]])
    for (const { digest, ...delivery } of rows) {
      if (hash('sha256', delivery.body, 'hex') !== digest) throw new DamagedBody(delivery.delivery_id)
      yield delivery
    }
  }
}

const RECEIVED_AT = `to_char(d.received_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as received_at`
const COLUMNS = `d.delivery_id, d.event, d.headers, ${RECEIVED_AT}, encode(d.body_digest, 'hex') as digest, b.body`

const BY_ID = `select ${COLUMNS} from unnest($1::uuid[]) as r(id)
  cross join lateral (select * from deliveries where delivery_id = r.id and owner = any($2) offset 0) as d
  cross join lateral (select body from delivery_bodies where owner = d.owner and delivery_id = r.id offset 0) as b
  order by d.delivery_id`

const BY_ID_ON_CITUS = `select ${COLUMNS} from deliveries as d join ${joinBodies('$1')}
  where d.delivery_id = any($1::uuid[]) and d.owner = any($2::text[]) order by d.delivery_id`

async function* idsOf(
  client: pg.ClientBase,
  query: { text: string; values: readonly unknown[] },
  signal: AbortSignal,
): AsyncGenerator<{ id: string; size: number }> {
  for await (const rows of readRows(client, query, signal, 'nightpost_ids')) {
    for (const [id, size] of rows) yield { id: id ?? '', size: Number(size) }
  }
}

/** The deliveries of the quarantine that name the person: in their body, or in a header if the body names nobody. */
export async function* quarantinedOf(
  client: pg.ClientBase,
  vendor: Vendor,
  subject: Subject,
  { bodyLimit, signal }: { bodyLimit: number; signal: AbortSignal },
): AsyncGenerator<DeliveryBody> {
  const text =
    'select delivery_id, octet_length(body) from unverified_deliveries where vendor = $1 order by 1'
  const ids = idsOf(client, { text, values: [vendor.name] }, signal)
  for await (const chunk of inChunks(ids, ({ size }) => size)) {
    const { rows } = await client.query<DeliveryBody>(
      `select d.delivery_id, null as event, d.headers, ${RECEIVED_AT}, d.body from unverified_deliveries as d
       where d.delivery_id = any($1::uuid[]) order by d.delivery_id`,
      [chunk.map(({ id }) => id)],
    )
    for (const delivery of rows) if (isOf(vendor, subject, delivery, bodyLimit)) yield delivery
  }
}

function isOf(vendor: Vendor, subject: Subject, { headers, body }: DeliveryBody, limit: number): boolean {
  const { owner, user } = claimsOf(vendor, headers, body, limit) ?? {}
  const isNamed = (name: unknown) => typeof name === 'string' && subject.names.includes(name)
  if (typeof owner === 'string' && owner !== '') {
    if (owner === subject.owner) return true
    return subject.owner === null && !subject.others.has(owner) && isNamed(user)
  }
  const forms = headerForms(subject.names)
  return subject.hasUnowned && userHeaders(vendor).some((name) => forms.includes(`${headers[name]}`))
}

/** What is known about deliveries of the quarantine, without the credentials that were presented. */
export async function quarantineEntries(
  client: pg.ClientBase,
  vendor: Vendor,
  { names }: Subject,
  ids: readonly string[],
): Promise<Table> {
  const table = await tableOf(client, 'unverified_deliveries', (column) =>
    column === 'headers' ? `(${maskedHeaders(vendor, '$2::text[]')}) - $3::text[]` : quoted(column),
  )
  const text = `${table.select.text} where delivery_id = any($1::uuid[]) order by delivery_id`
  const about = 'Messages about the person whose sender is not proven. Anyone may have sent them.'
  return { ...table, about, select: { text, values: [ids, headerForms(names), Object.keys(vendor.proofs)] } }
}
