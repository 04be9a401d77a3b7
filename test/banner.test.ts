import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { createDatabase, type TestDatabase } from './setup/database.ts'
import { guardProcess, guardSecret } from './setup/log-guard.ts'
import { built } from './setup/program.ts'

const secrets = ['asleep-key-1', 'asleep-key-2', 'webhook, secret $HOME', 'relay-key-1', 'relay-key-2']
const [asleep1, asleep2, webhook, relay1, relay2] = secrets
const directory = mkdtempSync(join(tmpdir(), 'nightpost-banner-'))
const shell = { PATH: process.env.PATH, HOME: directory }
const run = promisify(execFile)

let db: TestDatabase
let output = ''
let stop: () => Promise<unknown>
beforeAll(async () => {
  for (const secret of secrets) guardSecret(secret)
  db = await createDatabase()
  writeFileSync(join(directory, '.env'), `ASLEEP_API_KEYS="${asleep1},${asleep2}"\n`)
  writeFileSync(join(directory, 'sahha secrets'), `\n${webhook}\n`)
  const child = spawn(process.execPath, built('main'), {
    cwd: directory,
    env: {
      ...shell,
      DATABASE_URL: db.url,
      PORT: '0',
      SAHHA_API_KEYS: `${relay1},${relay2}`,
      SAHHA_WEBHOOK_SECRETS_FILE: 'sahha secrets',
    },
  })
  guardProcess(child)
  child.stdout.on('data', (data) => {
    output += data
  })
  stop = () => {
    const exit = once(child, 'exit')
    child.kill('SIGTERM')
    return exit
  }
  await vi.waitFor(() => expect(output).toMatch(/Try sahha \(x-api-key\)\n.*\n\n/), 50_000)
})
afterAll(async () => {
  await stop()
  await db.drop()
  rmSync(directory, { recursive: true })
})

it("with credentials of one's own, the printed commands work in a shell, and show no credential", async () => {
  const headings = output.match(/^Try .*/gm)
  expect(headings).toEqual(['Try asleep', 'Try sahha (x-signature)', 'Try sahha (x-api-key)'])
  const [exported = '', ...others] = output.match(/^ {2}export .*/gm) ?? []
  expect(others).toEqual([])
  writeFileSync(join(directory, '.curlrc'), 'silent\nwrite-out = "\\n%{http_code}"\n')
  for (const line of output.match(/^ {2}(body=.*)?curl .*/gm) ?? []) {
    const { stdout } = await run('sh', ['-c', `${exported}\n${line}`], {
      cwd: directory,
      // What the user has exported; .env and the secret file are read by the commands.
      env: { ...shell, SAHHA_API_KEYS: `${relay1},${relay2}` },
    })
    expect(stdout).toMatch(/^\{"outcome":"(stored|duplicate)".*\n200$/)
  }
  expect(await db.query('select vendor, authenticated_by from deliveries order by 1')).toEqual([
    { vendor: 'asleep', authenticated_by: 'api_key' },
    { vendor: 'sahha', authenticated_by: 'signature' },
  ])
  for (const secret of secrets) expect(output).not.toContain(secret)
})

it('the start names the database, the vendors and the retention in one line, without the password', () => {
  const { hostname, port, pathname, password } = new URL(db.url)
  const lines = output.split('\n').filter((line) => line.includes('keeps all deliveries'))
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    expect.objectContaining({
      database: {
        host: hostname,
        port: Number(port),
        name: pathname.slice(1),
        schema: 'public',
        embedded: false,
      },
      vendors: ['asleep', 'sahha'],
      retention: 'keeps all deliveries',
      msg: `database ${hostname}:${port}${pathname}, schema public; vendors asleep, sahha; keeps all deliveries`,
    }),
  ])
  expect(password).not.toBe('')
  expect(output).not.toContain(password)
})
