import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createPool } from '../src/db/connect/pool.ts'
import { insertGroup } from '../src/db/sql/insert-group.ts'
import { countDuplicates, moveDeliveries } from '../src/db/sql/ledger-statements.ts'
import { rowParameters } from '../src/db/sql/values.ts'
import { entriesOf, ledgerRows } from '../src/db/write/entries.ts'
import { plansFor } from '../src/db/write/plan.ts'
import { Writer } from '../src/db/write/writer.ts'
import { type Delivery, newArrival } from '../src/ingest/delivery.ts'
import { unpackAndJudge } from '../src/ingest/judge.ts'
import { vendors } from '../src/vendors/index.ts'
import { sahha } from '../src/vendors/sahha/index.ts'
import { biomarker } from './setup/bodies.ts'
import { createDatabase, type TestDatabase } from './setup/database.ts'
import { guardedLog } from './setup/log-guard.ts'

const plans = plansFor(vendors.flatMap(({ targets }) => targets))

it('each set of tables that a group may have has its own statement name', () => {
  const sets = Array.from({ length: 2 ** plans.length }, (_, set) => plans.filter((_, at) => set & (1 << at)))
  const statements = sets.map((set) => insertGroup(set))
  expect(new Set(statements.map(({ text }) => text)).size).toBe(2 ** plans.length)
  expect(new Set(statements.map(({ name }) => name)).size).toBe(2 ** plans.length)
  // Postgres truncates longer names, and would confuse two statements.
  expect(Math.max(...statements.map(({ name }) => name.length))).toBeLessThanOrEqual(63)
})

interface Node {
  readonly 'Actual Rows': number
  readonly 'Actual Loops': number
  readonly 'Rows Removed by Filter'?: number
  readonly 'Rows Removed by Join Filter'?: number
  readonly 'Rows Removed by Index Recheck'?: number
  readonly Plans?: readonly Node[]
}

/** Rows that each node of a plan read: those that it returned and those that it removed. */
function rowsRead(node: Node): number[] {
  const each =
    node['Actual Rows'] +
    (node['Rows Removed by Filter'] ?? 0) +
    (node['Rows Removed by Join Filter'] ?? 0) +
    (node['Rows Removed by Index Recheck'] ?? 0)
  return [each * node['Actual Loops'], ...(node.Plans ?? []).flatMap(rowsRead)]
}

describe('the cost of a group of duplicates is linear in its size', () => {
  const SIZE = 512
  let db: TestDatabase
  let pool: ReturnType<typeof createPool>
  beforeAll(async () => {
    db = await createDatabase()
    pool = createPool(db.url, guardedLog)
  })
  afterAll(async () => {
    await pool.end()
    await db.drop()
  })

  const delivery = (n: number, owner?: string): Delivery => {
    const arrival = newArrival(Buffer.from(JSON.stringify(biomarker({ id: `b-${n}`, category: 'c' }))))
    const verdict = unpackAndJudge(sahha, 'signature', {}, arrival.body, 2 ** 20)
    return {
      ...{ arrival, vendor: 'sahha', authenticatedBy: 'signature', headers: {}, normaliserVersion: 1 },
      verdict: owner ? { ...verdict, owner } : verdict,
    }
  }
  const group = () => Array.from({ length: SIZE }, (_, n) => delivery(n))

  it.each([
    ['countDuplicates', countDuplicates],
    ['moveDeliveries', moveDeliveries],
  ])('%s', async (name, statement) => {
    const client = await pool.connect()
    const first = group()
    await client.query('truncate deliveries')
    await new Writer(sahha.targets).write(client, first)
    const rows = ledgerRows(entriesOf(name === 'countDuplicates' ? group() : first))
    const values = rowParameters(
      statement.parameters,
      name === 'countDuplicates'
        ? rows
        : rows.map((row) => ({ ...row, owner: 'another', body: Buffer.from('{}') })),
    )
    const result = await client.query(`explain (analyze, format json) ${statement.text}`, values)
    const [{ Plan: plan }] = result.rows[0]['QUERY PLAN'] as [{ Plan: Node }]
    expect(Math.max(...rowsRead(plan))).toBeLessThanOrEqual(SIZE)
    const counted = name === 'countDuplicates' ? 'times_received = 2' : `owner = 'another'`
    expect(await db.query(`select count(*) from deliveries where ${counted}`)).toEqual([{ count: `${SIZE}` }])
    client.release()
  })
})
