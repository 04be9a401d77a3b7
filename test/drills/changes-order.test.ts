import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { migrate } from '../../src/db/migrate/migrate.ts'
import { createDatabase, type TestDatabase } from '../setup/database.ts'
import { Interleaving, type Step, stepsOf } from '../setup/feed-model.ts'

let db: TestDatabase
let interleaving: Interleaving
beforeAll(async () => {
  db = await createDatabase()
  await migrate(db.direct)
  interleaving = new Interleaving(db)
  await interleaving.open()
})
afterAll(async () => {
  await interleaving.close()
  await db.drop()
})

const pageSize = fc.integer({ min: 1, max: 7 })

const property = (feed: string, steps: fc.Arbitrary<Step[]>) =>
  fc.asyncProperty(steps, pageSize, async (steps, size) => {
    expect(await interleaving.faults(steps, feed, size)).toEqual([])
  })

it('a reader sees every change once, in the order of the transactions, whatever is open or rolled back', async () => {
  const steps = stepsOf('store', 'rejudge', 'reject', 'erase')
  await fc.assert(property('nightpost_changes', steps), { numRuns: 30 })
}, 180_000)

/** The property must fail for feeds with a known mistake, or it proves nothing. */
describe('a feed with a mistake is found', () => {
  const isFound = async (feed: string) => {
    const options = { numRuns: 40, seed: 1, endOnFailure: true }
    return (await fc.check(property(feed, stepsOf('store')), options)).failed
  }

  it('without a horizon', async () => {
    const [{ text } = { text: '' }] = await db.query(
      `select pg_get_functiondef('nightpost_changes'::regproc) as text`,
    )
    const broken = text?.replace('.nightpost_changes(', '.changes_without_horizon(')
    await db.query(broken?.replace('pg_snapshot_xmin(', '1 + pg_snapshot_xmax(') ?? '')
    expect(await isFound('changes_without_horizon')).toBe(true)
  }, 180_000)

  it('in the order of the ids', async () => {
    await db.query(`
      create function changes_by_id(since text, max_rows integer)
      returns table (cursor text, owner text, delivery_id uuid) language sql as $$
        select format('0.0.0.p%s.d%s', change_position, delivery_id), owner, delivery_id from deliveries
        where delivery_id > coalesce(substring(since from '[id]([0-9a-f-]{36})$')::uuid, '00000000-0000-0000-0000-000000000000')
        order by delivery_id limit max_rows
      $$`)
    expect(await isFound('changes_by_id')).toBe(true)
  }, 180_000)
})
