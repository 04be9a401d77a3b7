// npm run attack -- [hostile sockets, 500] [idle ones, 0]: what strangers' sockets cost authentic deliveries, and how much memory the service takes meanwhile.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import Table from 'cli-table3'
import { attack, type Phase } from './attack.ts'
import { createPostgresServer } from './postgres.ts'

const SOCKETS = Number(process.argv[2] ?? 500)
const IDLE = Number(process.argv[3] ?? 0)

const directory = mkdtempSync(join(tmpdir(), 'nightpost-attack-'))
const server = await createPostgresServer()
await server.start()
try {
  const { calm, attacked, peak, held, isAlive } = await attack({
    ...{ program: resolve(import.meta.dirname, '../dist/main.js'), directory },
    ...{ databaseUrl: server.url(server.port), sockets: SOCKETS, idle: IDLE },
    ...{ connections: 32, calm: 10, attacked: 20 },
  })
  const head = ['', 'acked/s', 'p50 ms', 'p99 ms', 'answers']
  const table = new Table({
    head,
    style: { head: [], border: [] },
    colAligns: ['left', 'right', 'right', 'right'],
  })
  const row = (name: string, { perSecond, p50, p99, answers }: Phase) =>
    table.push([name, perSecond, p50, p99, JSON.stringify(answers)])
  row('without', calm)
  row(`with ${SOCKETS} hostile sockets${IDLE ? ` and ${IDLE} idle ones` : ''}`, attacked)
  process.stdout.write(`${table}\n`)
  process.stdout.write(`peak memory ${Math.round(peak / 2 ** 20)} MiB, still held ${JSON.stringify(held)}\n`)
  process.exitCode = isAlive && Object.keys(attacked.answers).join() === '200' ? 0 : 1
} finally {
  await server.stop()
  server.remove()
  rmSync(directory, { recursive: true })
}
