import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type SupervisedService, startSupervisedService } from '../../chaos/supervised-service.ts'
import { migrate } from '../../src/db/migrate/migrate.ts'
import { freePort } from '../../src/embedded/index.ts'
import { distributeAt } from './citus.ts'
import { type CitusCluster, startCitus } from './citus-cluster.ts'
import { guardProcess } from './log-guard.ts'
import { built } from './program.ts'

/** A cluster with a distributed database, and a service of it in a process of its own. */
export interface Drilled {
  readonly cluster: CitusCluster
  readonly service: SupervisedService
  /** Resolves when the service says that it is ready. */
  untilReady(): Promise<void>
  close(): Promise<void>
}

/** `ofNodes`: further lines of every node's postgresql.conf. */
export async function startDrilled(ofNodes = ''): Promise<Drilled> {
  const directory = mkdtempSync(join(tmpdir(), 'nightpost-drills-'))
  const cluster = await startCitus({ ofWorkers: ofNodes, ofCoordinator: ofNodes })
  await migrate(cluster.url)
  await distributeAt(cluster.url)
  const service = startSupervisedService(directory, await freePort(0), cluster.url, {
    program: built('main')[0] as string,
    onStart: guardProcess,
  })
  const untilReady = async () => {
    const isReady = async () => {
      const answer = await fetch(`http://127.0.0.1:${service.port}/health/ready`).catch(() => null)
      return answer?.status === 200
    }
    while (!(await isReady())) await sleep(50)
  }
  await untilReady()
  return {
    ...{ cluster, service, untilReady },
    async close() {
      await service.stop()
      await cluster.stop()
      rmSync(directory, { recursive: true })
    },
  }
}
