import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../src/embedded/index.ts'
import type { BenchDatabase, BenchPostgres } from './database.ts'
import { load } from './load.ts'
import { KEY } from './request.ts'
import { requireStored } from './require-stored.ts'

const CONNECTIONS = 256

/** Deliveries that a warm-up may number. */
const WARM_UP_NUMBERS = 10_000_000

/**
 * Measures the whole program with several numbers of workers by turns, and returns a line for each run. The load
 * generator and Postgres share the machine, so more workers help only where cores are left for them.
 */
export async function measureWorkers(
  postgres: BenchPostgres,
  counts: readonly number[],
  { seconds, rounds }: { seconds: number; rounds: number },
): Promise<string> {
  const lines: string[] = []
  for (let round = 0; round < rounds; round += 1) {
    for (const workers of counts) {
      const database = await postgres.createDatabase()
      try {
        lines.push(await measureOnce(database, workers, seconds))
        process.stdout.write(`${lines.at(-1)}\n`)
      } finally {
        await database.drop()
      }
    }
  }
  return `${lines.join('\n')}\n`
}

async function measureOnce(database: BenchDatabase, workers: number, seconds: number): Promise<string> {
  const port = await freePort(0)
  const directory = mkdtempSync(join(tmpdir(), 'nightpost-bench-workers-'))
  const main = join(import.meta.dirname, '../src', `main${import.meta.filename.slice(-3)}`)
  const child = spawn(process.execPath, [...process.execArgv, '--v8-pool-size=1', main], {
    cwd: directory,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...{ PATH: process.env.PATH, NODE_ENV: 'production', LOG_LEVEL: 'warn', PORT: String(port) },
      ...{ DATABASE_URL: database.url, SAHHA_API_KEYS: KEY, ASLEEP_API_KEYS: KEY, WORKERS: String(workers) },
    },
  })
  try {
    while ((await metric(port, 'nightpost_workers').catch(() => 0)) < workers) await sleep(100)
    const common = { port, workload: 'biomarker', connections: CONNECTIONS } as const
    // Each worker compiles the hot path for itself.
    await load({ ...common, seconds, firstNumber: 0 })
    const before = await metric(port, 'process_cpu_seconds_total')
    const result = await load({ ...common, seconds, firstNumber: WARM_UP_NUMBERS })
    const cpu = (await metric(port, 'process_cpu_seconds_total')) - before
    await requireStored(result, database)
    const memory = (await metric(port, 'process_resident_memory_bytes')) / 2 ** 20
    if (Object.keys(result.failures).length > 0)
      throw new Error(`unexpected answers ${JSON.stringify(result.failures)}`)
    const group = await metric(port, 'nightpost_group_deliveries_sum')
    const groups = await metric(port, 'nightpost_group_deliveries_count')
    const rate = Object.values(result.acked).flat().length / result.seconds
    return [
      `${workers} workers, ${CONNECTIONS} connections: ${Math.round(rate)}/s`,
      `group ${(group / groups).toFixed(0)}, p50 ${result.p50.toFixed(1)} ms, p99 ${result.p99.toFixed(1)} ms`,
      `CPU ${Math.round((cpu * 1e6) / result.requests)} µs a delivery, memory ${Math.round(memory)} MiB`,
    ].join(', ')
  } finally {
    const exit = once(child, 'exit')
    child.kill('SIGTERM')
    await exit
    rmSync(directory, { recursive: true })
  }
}

async function metric(port: number, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1])
}
