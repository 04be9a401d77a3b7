import { getTableName } from 'drizzle-orm'
import { getTableConfig } from 'drizzle-orm/pg-core'
import type { Vendor } from '../contract/vendor.ts'
import { bodyPacks } from '../tables/bodies.ts'
import { deliveries } from '../tables/deliveries.ts'

/** A table whose rows belong to persons. */
export interface PersonTable {
  readonly table: string
  /** The column that names the person: the first one of the primary key. */
  readonly ownerColumn: string
  /** The vendor whose rows these are; null if the table has the rows of all vendors. */
  readonly vendor: string | null
}

/** Every table whose rows belong to persons. Parents come before their parts. */
export function personTables(vendors: readonly Pick<Vendor, 'name' | 'targets'>[]): PersonTable[] {
  const ofVendors = vendors.flatMap(({ name, targets }) =>
    targets.map(({ table }) => ({ ...keyed(table), vendor: name })),
  )
  return [...ofVendors, ...[deliveries, bodyPacks].map((table) => ({ ...keyed(table), vendor: null }))]
}

function keyed(table: Parameters<typeof getTableConfig>[0]) {
  const [owner] = getTableConfig(table).primaryKeys[0]?.columns ?? []
  if (!owner) throw new Error(`${getTableName(table)} has no primary key that begins with its owner.`)
  return { table: getTableName(table), ownerColumn: owner.name }
}
