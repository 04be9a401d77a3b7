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
} from '../src/db/embedded/index.ts'
import type { Fault } from './faults.ts'
import { killPostmaster, makeServer } from './postgres.ts'
import { startProxy } from './proxy.ts'
import { type ServiceOptions, startService } from './service.ts'
import { type Round, type StageOptions, stage } from './stage.ts'

export interface Storm extends Omit<StageOptions, 'directory'>, ServiceOptions {
  readonly plan: Iterable<Fault>
  readonly random: () => number
}

/** Nightpost with the Postgres that it brings: it starts that again by itself, whatever dies. */
export async function embedded({ plan, random, program, listen, ...options }: Storm): Promise<Round[]> {
  const directory = mkdtempSync(join(tmpdir(), 'nightpost-chaos-'))
  const service = startService(directory, await freePort(0), undefined, { program, listen })
  const home = clusterHome(join(directory, '.data'))
  const postmaster = (): Postmaster | undefined => {
    const data = existsSync(home) && readdirSync(home).find((name) => /^postgres-\d+$/.test(name))
    return data ? findPostmaster(join(home, data)) : undefined
  }
  const postgres = {
    url: () => `postgres://${SUPERUSER}:${superuserPassword(home)}@127.0.0.1:${postmaster()?.port}/nightpost`,
    async kill() {
      const running = postmaster()
      if (running) await killPostmaster(running.pid)
    },
  }
  try {
    return await stage({ service, postgres, random }, plan, { directory, ...options })
  } finally {
    await service.stop()
    await postgres.kill()
    rmSync(directory, { recursive: true })
    rmSync(home, { recursive: true, force: true })
  }
}

/** Nightpost on a server that somebody else runs, behind a wire that can be cut. */
export async function external({ plan, random, program, listen, ...options }: Storm): Promise<Round[]> {
  const directory = mkdtempSync(join(tmpdir(), 'nightpost-chaos-'))
  const server = await makeServer()
  await server.start()
  const proxy = await startProxy(server.port, random)
  const service = startService(directory, await freePort(0), server.url(proxy.port), { program, listen })
  const postgres = { ...server, url: () => server.url(server.port) }
  try {
    return await stage({ service, postgres, proxy, random }, plan, { directory, ...options })
  } finally {
    await service.stop()
    proxy.close()
    await server.stop()
    server.remove()
    rmSync(directory, { recursive: true })
  }
}
