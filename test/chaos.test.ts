import { expect, it } from 'vitest'
import { delivery } from '../chaos/deliveries.ts'
import { faults } from '../chaos/faults.ts'
import { randomFrom } from '../chaos/plan.ts'
import { external } from '../chaos/worlds.ts'
import { listen, sent } from './setup/log-guard.ts'
import { built } from './setup/program.ts'

it('every kind of fault, once each under load, breaks no promise: the short form of npm run chaos', async () => {
  const rounds = await external({
    plan: faults.external,
    random: randomFrom(1),
    ...{ connections: 12, pause: 40, recoveryLimit: 20, listen, program: built('main')[0] as string },
  })
  // As many as are surely sent: those of every kind, and most owners.
  for (let n = 0; n < 500; n += 1) {
    const { headers, body } = delivery(n)
    sent(headers, Buffer.from(body))
  }
  expect(
    rounds.flatMap(({ fault, violations }) => violations.map((violation) => `${fault}: ${violation}`)),
  ).toEqual([])
  const sum = (of: 'acked' | 'refused' | 'broken') => rounds.reduce((total, round) => total + round[of], 0)
  expect(rounds).toHaveLength(faults.external.length + 1)
  // Otherwise nothing was at stake.
  expect(sum('acked')).toBeGreaterThan(100)
  expect(sum('refused') + sum('broken')).toBeGreaterThan(10)
}, 120_000)
