import { getTableName } from 'drizzle-orm'
import type pg from 'pg'
import { readJson } from '../../contract/json.ts'
import type { Headers, Identity, Vendor } from '../../contract/vendor.ts'
import { isDistributed } from '../../db/citus/state.ts'
import { personTables } from '../../erase/person-tables.ts'
import { contentOf } from '../../ingest/content.ts'
import { quoted } from '../select.ts'

type Client = Pick<pg.ClientBase, 'query'>

/** Whose data one folder has. */
export interface Subject {
  /** The id that the vendor's rows are keyed by; null for what names the person, but no such id. */
  readonly owner: string | null
  /** Every id that headers may name the person by. */
  readonly names: readonly string[]
  /** Whether the folder has what names the person and no owner. */
  readonly hasUnowned: boolean
  /** Owners that have folders of their own. */
  readonly others: ReadonlySet<string>
}

/** The column with your own id of a person, in the tables of vendors that send it. */
const EXTERNAL_ID = 'external_id'

/** Where the vendor's rows are, and which of the tables have an external id. */
export interface VendorTables {
  readonly vendor: Vendor
  readonly bodyLimit: number
  readonly tables: readonly OwnedTable[]
}

/** A table of the vendor, and the column that says whose each row is. */
interface OwnedTable {
  readonly table: string
  readonly ownerColumn: string
}

/** All tables of the vendor. */
export const tablesOf = (vendor: Vendor): OwnedTable[] =>
  personTables([vendor]).map(({ target, ownerColumn }) => ({
    table: getTableName(target.table),
    ownerColumn,
  }))

/** The person whom an owner names. */
export async function subjectOf(client: Client, where: VendorTables, owner: string): Promise<Subject> {
  const names = new Set([owner])
  for (const { table, ownerColumn } of await withExternalId(client, where)) {
    const { rows } = await client.query(
      `select distinct ${EXTERNAL_ID} as id from ${quoted(table)} where ${quoted(ownerColumn)} = $1 and ${EXTERNAL_ID} <> ''`,
      [owner],
    )
    for (const { id } of rows) names.add(id)
  }
  return { owner, names: [...names], hasUnowned: true, others: new Set() }
}

/** A person's profiles, and at the end what names the person, but no profile. Reads the whole tables. */
export async function subjectsOf(
  client: Client,
  where: VendorTables,
  externalId: string,
): Promise<Subject[]> {
  const owners = new Set<string>()
  for (const { table, ownerColumn } of await withExternalId(client, where)) {
    const { rows } = await client.query(
      `select distinct ${quoted(ownerColumn)} as owner from ${quoted(table)} where ${EXTERNAL_ID} = $1`,
      [externalId],
    )
    for (const { owner } of rows) owners.add(owner)
  }
  for (const owner of await ownersOfDeliveries(client, where, externalId)) owners.add(owner)
  const profiles: Subject[] = []
  for (const owner of [...owners].sort()) {
    profiles.push({ ...(await subjectOf(client, where, owner)), hasUnowned: false })
  }
  return [...profiles, { owner: null, names: [externalId], hasUnowned: true, others: owners }]
}

/** Owners of deliveries whose header and body name the person. A rejected one may have no row in any table. */
async function ownersOfDeliveries(
  client: Client,
  { vendor, bodyLimit }: VendorTables,
  externalId: string,
): Promise<string[]> {
  const { rows } = await client.query(
    `select distinct on (d.owner) d.owner, d.outcome, d.headers, b.body
     from deliveries as d ${(await isDistributed(client)) ? BODIES_ON_CITUS : BODIES}
     where d.vendor = $1 and d.user_id = $2 and d.owner <> '' and d.problem->>'code' is distinct from 'user_mismatch'
     order by d.owner, d.outcome <> 'stored'`,
    [vendor.name, externalId],
  )
  return rows
    .filter(
      ({ outcome, headers, body }) =>
        outcome === 'stored' || (body && claimsOf(vendor, headers, body, bodyLimit)?.user === externalId),
    )
    .map(({ owner }) => owner)
}

const BODIES = `left join lateral (
       select body from delivery_bodies where owner = d.owner and delivery_id = d.delivery_id offset 0
     ) as b on d.outcome <> 'stored'`

const BODIES_ON_CITUS = `left join delivery_bodies as b
       on d.outcome <> 'stored' and b.owner = d.owner and b.delivery_id = d.delivery_id`

async function withExternalId(client: Client, { tables }: VendorTables): Promise<OwnedTable[]> {
  const { rows } = await client.query(
    `select relname as name from pg_class where oid = any(
       select to_regclass(quote_ident(t)) from unnest($1::text[]) as t
     ) and exists (select from pg_attribute where attrelid = pg_class.oid and attname = '${EXTERNAL_ID}' and not attisdropped)`,
    [tables.map(({ table }) => table)],
  )
  const names = new Set(rows.map(({ name }) => name))
  return tables.filter(({ table }) => names.has(table))
}

/** What a body and its headers claim; null if the body can't be read. */
export function claimsOf(
  vendor: Vendor,
  headers: Headers,
  body: Buffer,
  limit: number,
): Pick<Identity, 'owner' | 'user'> | null {
  const content = contentOf(headers, body, limit)
  if (!Buffer.isBuffer(content)) return null
  try {
    return vendor.identify(headers, readJson(content))
  } catch {
    return null
  }
}

/** A person's ids as headers have them: Node decodes headers as Latin-1. */
export const headerForms = (names: readonly string[]): string[] => [
  ...new Set(names.flatMap((name) => [name, Buffer.from(name).toString('latin1')])),
]
