import { expect, it } from 'vitest'
import { enter } from '../src/db/ledger-statements.ts'
import { plansFor } from '../src/db/plan.ts'
import { vendors } from '../src/vendors/index.ts'

const plans = plansFor(vendors.flatMap(({ targets }) => targets))

it('every set of tables that a group may have is written by a statement with a name of its own', () => {
  const sets = Array.from({ length: 2 ** plans.length }, (_, set) => plans.filter((_, at) => set & (1 << at)))
  const statements = sets.map((set) => enter(set))
  expect(new Set(statements.map(({ text }) => text)).size).toBe(2 ** plans.length)
  expect(new Set(statements.map(({ name }) => name)).size).toBe(2 ** plans.length)
  // Postgres reads no more of a name, and would take one statement for another.
  expect(Math.max(...statements.map(({ name }) => name.length))).toBeLessThanOrEqual(63)
})
