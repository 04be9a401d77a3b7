import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, inject, it } from 'vitest'
import { pseudoRandom } from '../chaos/fault-plan.ts'
import { MovedClock } from '../chaos/moved-clock.ts'
import { credentials, numberedRequest } from '../chaos/numbered-request.ts'
import { runUpkeep } from '../chaos/upkeep.ts'
import { readConfig } from '../src/config/index.ts'
import { defaultLimits } from '../src/db/commit/limits.ts'
import { startService } from '../src/service.ts'
import { createDatabase } from './setup/database.ts'
import { guardedLog, guardRequest } from './setup/log-guard.ts'

// The short form of the upkeep part of npm run chaos.
it('keeps the bytes of every delivery exactly once when maintain is killed again and again under load', async () => {
  const db = await createDatabase()
  const directory = mkdtempSync(join(tmpdir(), 'nightpost-upkeep-'))
  const days = { origin: Date.now(), dayLasts: 1_500 }
  const config = readConfig({ ...credentials, MAINTENANCE: 'off', MIGRATE_DATABASE_URL: db.direct })
  const { app } = await startService(config, db.url, guardedLog, defaultLimits, new MovedClock(days))
  try {
    await app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = app.server.address() as { port: number }
    const result = await runUpkeep({
      ...{ port, days, directory, url: db.direct, build: inject('build') },
      ...{ connections: 8, pause: 40, kills: 3, random: pseudoRandom(3), alone: 0 },
    })
    for (let n = 0; n < 500; n += 1) {
      const { headers, body } = numberedRequest(n)
      guardRequest(headers, Buffer.from(body))
    }
    expect(result.violations).toEqual([])
    expect(result.acked).toBeGreaterThan(100)
    expect(result.completedRuns).toBeGreaterThan(0)
  } finally {
    await app.close()
    await db.drop()
    rmSync(directory, { recursive: true })
  }
}, 60_000)
