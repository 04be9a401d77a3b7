import type { BenchPostgres } from './database.ts'
import { type Measurement, measure } from './measure.ts'
import { measureUndisturbed } from './undisturbed.ts'

const ROUNDS = 5
const SECONDS = 4

/** The mixture over 256 connections while nobody is erased and while `erased` ids are, by turns on databases of their own. */
export async function measureErased(postgres: BenchPostgres, erased: number): Promise<string> {
  const all = new Map<number, Measurement[]>([
    [0, []],
    [erased, []],
  ])
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [ids, measurements] of all) {
      const database = await postgres.createDatabase()
      try {
        await database.client.query(
          `insert into erasures (person, vendor, kind, fenced_at)
           select sha256(n::text::bytea), 'sahha', 'owner', now() from generate_series(1, $1::integer) as n`,
          [ids],
        )
        await database.client.query('analyze erasures')
        measurements.push(
          await measureUndisturbed(() => measure('nightpost', 'mixture', 256, SECONDS, database)),
        )
      } finally {
        await database.drop()
      }
    }
  }
  const median = (of: (m: Measurement) => number | null, measurements: readonly Measurement[]) =>
    [...measurements].sort((a, b) => Number(of(a)) - Number(of(b))).map((m) => Number(of(m)))[
      Math.floor(ROUNDS / 2)
    ] as number
  const lines = [...all].map(([ids, measurements]) => {
    const rate = median((m) => m.requestsPerSecond, measurements)
    const cpu = median((m) => Number(m.serviceCpu) + Number(m.postgresCpu), measurements)
    return { ids, rate, cpu }
  })
  return lines
    .map(
      ({ ids, rate, cpu }) =>
        `${ids} erased ids: ${Math.round(rate)} requests/s, ${cpu.toFixed(1)} µs of CPU per delivery\n`,
    )
    .join('')
}
