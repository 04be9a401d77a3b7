import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { APPLICATION } from '../src/db/application.ts'
import { CONNECTIONS } from './postgres.ts'
import type { Wire } from './proxy.ts'
import type { Service } from './service.ts'

/** A service under load and its database. */
export interface World {
  readonly service: Service
  readonly postgres: {
    /** Past the proxy. */
    readonly url: () => string
    kill(): Promise<void>
    /** Where Nightpost doesn't start it by itself. */
    start?(): Promise<void>
    stop?(): Promise<void>
  }
  readonly proxy?: Wire
  /** From 0 up to 1. */
  readonly random: () => number
}

export interface Fault {
  readonly name: string
  /** How many processes get a SIGKILL. */
  readonly kills: number
  /** Resolves when the cause is gone, so that Nightpost may be expected to recover. */
  strike(world: World): Promise<void>
}

const SECOND = 1000

const killService: Fault = {
  name: 'kill -9 of Nightpost',
  kills: 1,
  strike: ({ service }) => service.kill('SIGKILL'),
}

const killPostgres: Fault = {
  name: 'kill -9 of Postgres',
  kills: 1,
  async strike({ postgres, random }) {
    await postgres.kill()
    await sleep(postgres.start ? random() * SECOND : 0)
    await postgres.start?.()
  },
}

const killBoth: Fault = {
  name: 'kill -9 of both at once',
  kills: 2,
  async strike({ service, postgres }) {
    await Promise.all([service.kill('SIGKILL'), postgres.kill()])
    await postgres.start?.()
  },
}

const restartPostgres: Fault = {
  name: 'Postgres stopped and started',
  kills: 0,
  async strike({ postgres, random }) {
    await postgres.stop?.()
    await sleep(random() * SECOND)
    await postgres.start?.()
  },
}

const cutConnections: Fault = {
  name: 'connections cut within transactions',
  kills: 0,
  async strike({ proxy, random }) {
    proxy?.cutting(0.02 + random() * 0.2)
    await sleep(1.5 * SECOND)
    proxy?.cutting(0)
  },
}

const fillPostgres: Fault = {
  name: 'no connection left',
  kills: 0,
  async strike({ postgres }) {
    const taken: pg.Client[] = []
    const until = Date.now() + 1.5 * SECOND
    while (Date.now() < until) {
      const client = await connected(postgres.url()).catch(() => undefined)
      if (client && taken.push(client) < CONNECTIONS) continue
      await taken[0]?.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name = '${APPLICATION}'`,
      )
    }
    await Promise.all(taken.map((client) => client.end()))
  },
}

const freeze: Fault = {
  name: 'Postgres silent for 50 s',
  kills: 0,
  async strike({ proxy }) {
    proxy?.freeze(true)
    await sleep(50 * SECOND)
    proxy?.freeze(false)
  },
}

const lockTable: Fault = {
  name: 'a table locked for 50 s',
  kills: 0,
  async strike({ postgres }) {
    const client = await connected(postgres.url())
    await client.query('begin; lock table biomarkers in access exclusive mode')
    await sleep(50 * SECOND)
    await client.end()
  },
}

/** By who runs Postgres: Nightpost itself, or somebody else. */
export const faults = {
  embedded: [killService, killPostgres, killBoth],
  external: [killService, killPostgres, killBoth, restartPostgres, cutConnections, fillPostgres],
  slow: [freeze, lockTable],
} as const

export async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, application_name: 'chaos' })
  client.on('error', () => {})
  await client.connect()
  return client
}
