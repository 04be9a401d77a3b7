import { expect, it } from 'vitest'
import { faults } from '../chaos/faults.ts'
import { randomFrom } from '../chaos/plan.ts'
import { external } from '../chaos/worlds.ts'

it('every kind of fault, once each under load, breaks no promise: the short form of npm run chaos', async () => {
  const rounds = await external({
    plan: faults.external,
    random: randomFrom(1),
    ...{ connections: 12, pause: 40 },
  })
  expect(
    rounds.flatMap(({ fault, violations }) => violations.map((violation) => `${fault}: ${violation}`)),
  ).toEqual([])
  const sum = (of: 'acked' | 'refused' | 'broken') => rounds.reduce((total, round) => total + round[of], 0)
  expect(rounds).toHaveLength(faults.external.length + 1)
  // Otherwise nothing was at stake.
  expect(sum('acked')).toBeGreaterThan(100)
  expect(sum('refused') + sum('broken')).toBeGreaterThan(10)
}, 60_000)
