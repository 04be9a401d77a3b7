import type pg from 'pg'
import type { Clock } from '../../ingest/clock.ts'

/** Milliseconds between two readings of the database's clock, plus or minus 20 % so that replicas do not read together. */
const INTERVAL = 10_000

/** Readings before the first delivery. The first one includes what the server does once per connection. */
const FIRST_READINGS = 3

/** Reads the database's clock `times` times and sets `clock`. Throws if the database does not answer. */
export async function readClock(pool: Pick<pg.Pool, 'connect'>, clock: Clock, times = 1): Promise<void> {
  const client = await pool.connect()
  try {
    for (let time = 0; time < times; time += 1) {
      const sent = clock.steady()
      const { rows } = await client.query({ name: 'clock', text: READ_CLOCK })
      clock.learn({ database: rows[0].now, sent, answered: clock.steady() })
    }
    client.release()
  } catch (error) {
    client.release(true)
    throw error
  }
}

const READ_CLOCK = 'select (extract(epoch from clock_timestamp()) * 1000)::float8 as now'

/**
 * Sets the clock by the database's, and repeats this until the returned function is called. While the database does not
 * answer, the clock continues from the last reading. Throws if the first reading fails.
 */
export async function followDatabase(pool: Pick<pg.Pool, 'connect'>, clock: Clock): Promise<() => void> {
  await readClock(pool, clock, FIRST_READINGS)
  let timer: NodeJS.Timeout
  const later = () => {
    timer = setTimeout(again, INTERVAL * (0.8 + 0.4 * Math.random())).unref()
  }
  let isStopped = false
  const again = async () => {
    await readClock(pool, clock).catch(() => {})
    if (!isStopped) later()
  }
  later()
  return () => {
    isStopped = true
    clearTimeout(timer)
  }
}
