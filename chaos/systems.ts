import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  clusterHome,
  findPostmaster,
  freePort,
  type Postmaster,
  SUPERUSER,
  superuserPassword,
} from '../src/embedded/index.ts'
import type { Fault } from './faults.ts'
import type { MovedServiceOptions } from './moved-service.ts'
import { createPostgresServer, killPostmaster } from './postgres.ts'
import { startProxy } from './proxy.ts'
import { type Round, type RunOptions, runFaults } from './run-faults.ts'
import { type ServiceOptions, startSupervisedService } from './supervised-service.ts'
import { runUpkeep, type UpkeepOptions, type UpkeepResult } from './upkeep.ts'

export interface ChaosOptions extends Omit<RunOptions, 'directory'>, ServiceOptions {
  readonly plan: Iterable<Fault>
  readonly random: () => number
}

/** Runs the plan on Nightpost with its embedded Postgres, which it must start again whatever is killed. */
export async function runOnEmbeddedPostgres(options: ChaosOptions): Promise<Round[]> {
  const { plan, random, program, onStart, ...runOptions } = options
  const directory = mkdtempSync(join(tmpdir(), 'nightpost-chaos-'))
  const service = startSupervisedService(directory, await freePort(0), undefined, { program, onStart })
  const home = clusterHome(join(directory, '.data'))
  const postmaster = (): Postmaster | undefined => {
    const name = existsSync(home) && readdirSync(home).find((name) => /^postgres-\d+$/.test(name))
    return name ? findPostmaster(join(home, name)) : undefined
  }
  const postgres = {
    url: () => `postgres://${SUPERUSER}:${superuserPassword(home)}@127.0.0.1:${postmaster()?.port}/nightpost`,
    async kill() {
      const running = postmaster()
      if (running) await killPostmaster(running.pid)
    },
  }
  try {
    return await runFaults({ service, postgres, random }, plan, { directory, ...runOptions })
  } finally {
    await service.stop()
    await postgres.kill()
    rmSync(directory, { recursive: true })
    rmSync(home, { recursive: true, force: true })
  }
}

/** Runs the plan on Nightpost with an external Postgres, which it reaches through a proxy that can fail. */
export async function runOnExternalPostgres(options: ChaosOptions): Promise<Round[]> {
  const { plan, random, program, onStart, ...runOptions } = options
  const directory = mkdtempSync(join(tmpdir(), 'nightpost-chaos-'))
  const server = await createPostgresServer()
  await server.start()
  const proxy = await startProxy(server.port, random)
  const url = server.url(proxy.port)
  const service = startSupervisedService(directory, await freePort(0), url, { program, onStart })
  const postgres = { ...server, url: () => server.url(server.port) }
  try {
    return await runFaults({ service, postgres, proxy, random }, plan, { directory, ...runOptions })
  } finally {
    await service.stop()
    proxy.close()
    await server.stop()
    server.remove()
    rmSync(directory, { recursive: true })
  }
}

/** Seconds for which a day of the service lasts. */
const DAY_LASTS = 5

/** Kills `maintain` beside a service with an external Postgres, and Postgres beside every tenth kill. */
export async function runUpkeepOnExternalPostgres(
  options: Pick<UpkeepOptions, 'build' | 'connections' | 'pause' | 'kills' | 'random' | 'onKill'>,
): Promise<UpkeepResult> {
  const directory = mkdtempSync(join(tmpdir(), 'nightpost-chaos-'))
  const server = await createPostgresServer()
  await server.start()
  const url = server.url(server.port)
  const port = await freePort(0)
  const days = { origin: Date.now(), dayLasts: 1000 * DAY_LASTS }
  const service = fork(join(import.meta.dirname, 'moved-service.ts'), { execArgv: ['--import', 'tsx'] })
  try {
    service.send({ url, port, days } satisfies MovedServiceOptions)
    await once(service, 'message')
    return await runUpkeep({
      ...options,
      ...{ port, days, url, directory, alone: 10_000, postgresEvery: 10 },
      killPostgres: async () => {
        await server.kill()
        await server.start()
      },
    })
  } finally {
    const exit = once(service, 'exit')
    service.send('stop')
    await exit
    await server.stop()
    server.remove()
    rmSync(directory, { recursive: true })
  }
}
