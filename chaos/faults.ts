import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { APPLICATION } from '../src/db/connect/application.ts'
import { connect, MAX_CONNECTIONS } from './postgres.ts'
import type { System } from './system.ts'

export interface Fault {
  readonly name: string
  /** Number of processes that get a SIGKILL. */
  readonly kills: number
  /** Resolves when the cause of the fault is gone, so that Nightpost can recover. */
  inject(system: System): Promise<void>
}

const SECOND_MS = 1000

const killService: Fault = {
  name: 'kill -9 of Nightpost',
  kills: 1,
  inject: ({ service }) => service.kill('SIGKILL'),
}

const killPostgres: Fault = {
  name: 'kill -9 of Postgres',
  kills: 1,
  async inject({ postgres, random }) {
    await postgres.kill()
    await sleep(postgres.start ? random() * SECOND_MS : 0)
    await postgres.start?.()
  },
}

const killBoth: Fault = {
  name: 'kill -9 of both at once',
  kills: 2,
  async inject({ service, postgres }) {
    await Promise.all([service.kill('SIGKILL'), postgres.kill()])
    await postgres.start?.()
  },
}

const restartPostgres: Fault = {
  name: 'Postgres stopped and started',
  kills: 0,
  async inject({ postgres, random }) {
    await postgres.stop?.()
    await sleep(random() * SECOND_MS)
    await postgres.start?.()
  },
}

const cutConnections: Fault = {
  name: 'connections cut within transactions',
  kills: 0,
  async inject({ proxy, random }) {
    proxy?.setCutProbability(0.02 + random() * 0.2)
    await sleep(1.5 * SECOND_MS)
    proxy?.setCutProbability(0)
  },
}

const useUpConnections: Fault = {
  name: 'no connection left',
  kills: 0,
  async inject({ postgres }) {
    const clients: pg.Client[] = []
    const end = Date.now() + 1.5 * SECOND_MS
    while (Date.now() < end) {
      const client = await connect(postgres.url()).catch(() => undefined)
      if (client && clients.push(client) < MAX_CONNECTIONS) continue
      await clients[0]?.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name = '${APPLICATION}'`,
      )
    }
    await Promise.all(clients.map((client) => client.end()))
  },
}

const silencePostgres: Fault = {
  name: 'Postgres silent for 50 s',
  kills: 0,
  async inject({ proxy }) {
    proxy?.setFrozen(true)
    await sleep(50 * SECOND_MS)
    proxy?.setFrozen(false)
  },
}

const lockTable: Fault = {
  name: 'a table locked for 50 s',
  kills: 0,
  async inject({ postgres }) {
    const client = await connect(postgres.url())
    await client.query('begin; lock table biomarkers in access exclusive mode')
    await sleep(50 * SECOND_MS)
    await client.end()
  },
}

/** By kind of system: Nightpost with its embedded Postgres, or with an external one. `slow` needs an external one too. */
export const faults = {
  embedded: [killService, killPostgres, killBoth],
  external: [killService, killPostgres, killBoth, restartPostgres, cutConnections, useUpConnections],
  slow: [silencePostgres, lockTable],
} as const
