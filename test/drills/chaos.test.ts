import { expect, it } from 'vitest'
import { pseudoRandom } from '../../chaos/fault-plan.ts'
import { faults } from '../../chaos/faults.ts'
import { numberedRequest } from '../../chaos/numbered-request.ts'
import { runOnExternalPostgres } from '../../chaos/systems.ts'
import { guardProcess, guardRequest } from '../setup/log-guard.ts'
import { built } from '../setup/program.ts'

// The short form of npm run chaos.
it('breaks no promise under load when each kind of fault occurs once', async () => {
  const rounds = await runOnExternalPostgres({
    plan: faults.external,
    random: pseudoRandom(1),
    ...{
      connections: 12,
      pause: 40,
      recoveryLimit: 20,
      onStart: guardProcess,
      program: built('main')[0] as string,
    },
  })
  // The run sends more than 500 requests; these contain every kind of event and every owner.
  for (let n = 0; n < 500; n += 1) {
    const { headers, body } = numberedRequest(n)
    guardRequest(headers, Buffer.from(body))
  }
  expect(
    rounds.flatMap(({ fault, violations }) => violations.map((violation) => `${fault}: ${violation}`)),
  ).toEqual([])
  const sum = (count: 'acked' | 'refused' | 'unanswered') =>
    rounds.reduce((total, round) => total + round[count], 0)
  expect(rounds).toHaveLength(faults.external.length + 1)
  // Otherwise the faults did not affect any request.
  expect(sum('acked')).toBeGreaterThan(100)
  expect(sum('refused') + sum('unanswered')).toBeGreaterThan(10)
}, 120_000)
