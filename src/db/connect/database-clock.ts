import type pg from 'pg'
import type { Clock } from '../../ingest/clock.ts'

/** Milliseconds between two looks at the database's clock, give or take a fifth: replicas should not ask together. */
const EVERY = 10_000

/** Looks before the first arrival: the first one also pays for what the server does once a connection. */
const AT_FIRST = 3

/** Looks at the database's clock now. Throws where the database does not answer. */
export async function readClock(pool: Pick<pg.Pool, 'connect'>, clock: Clock, times = 1): Promise<void> {
  const client = await pool.connect()
  try {
    for (let time = 0; time < times; time += 1) {
      const sent = clock.steady()
      const { rows } = await client.query({ name: 'clock', text: QUESTION })
      clock.learn({ database: rows[0].now, sent, answered: clock.steady() })
    }
    client.release()
  } catch (error) {
    client.release(true)
    throw error
  }
}

const QUESTION = 'select (extract(epoch from clock_timestamp()) * 1000)::float8 as now'

/**
 * Sets the clock by the database's, and keeps it so until the function that it returns is called. While the
 * database does not answer, the clock goes on by itself.
 */
export async function followDatabase(pool: Pick<pg.Pool, 'connect'>, clock: Clock): Promise<() => void> {
  await readClock(pool, clock, AT_FIRST)
  let timer: NodeJS.Timeout
  const later = () => {
    timer = setTimeout(again, EVERY * (0.8 + 0.4 * Math.random())).unref()
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
