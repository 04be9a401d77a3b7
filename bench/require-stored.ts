import type { BenchDatabase } from './database.ts'
import type { LoadResult } from './load-generator.ts'
import { mixture, type Workload, workloads } from './workloads.ts'

/** Throws unless each acknowledged delivery is in the ledger, and in its tables with all its rows. */
export async function requireStored(result: LoadResult, database: BenchDatabase): Promise<void> {
  const kinds: Workload[] = [...Object.values(workloads), ...mixture.map(([kind]) => kind)]
  for (const [name, numbers] of Object.entries(result.acked)) {
    const kind = kinds.find((kind) => kind.name === name) as Workload
    const { rows } = await database.client.query(
      `select count(*)::int as lost from (
         select number from unnest($1::text[]) as acked(number) except select number from (${kind.stored}) as stored
       ) as missing`,
      [numbers.map((number) => String(number).padStart(10, '0'))],
    )
    if (rows[0].lost > 0) throw new Error(`${rows[0].lost} acknowledged deliveries of ${name} are not stored`)
  }
  const acked = Object.values(result.acked).flat().length
  const { rows } = await database.client.query(
    `select count(*)::int as stored from deliveries where outcome = 'stored'`,
  )
  if (rows[0].stored < acked) {
    throw new Error(`${acked} deliveries were acknowledged, but only ${rows[0].stored} are in the ledger`)
  }
}
