import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clusterHome, findPostmaster, isAlive } from '../src/embedded/index.ts'
import { guardLine, guardProcess, guardRequest } from './setup/log-guard.ts'
import { built, source } from './setup/program.ts'

interface Running {
  readonly child: ChildProcess
  readonly output: () => string
  readonly port: string
}

/** Starts Nightpost in `directory` and waits for the banner. The built program starts faster than the sources. */
async function start(directory: string, program = built('main')): Promise<Running> {
  const child = run(directory, program)
  guardProcess(child)
  let output = ''
  child.stdout?.on('data', (data) => {
    output += data
  })
  child.stderr?.on('data', (data) => {
    output += data
  })
  for (let waited = 0; !output.includes('SQL clients'); waited += 50) {
    if (waited > 30_000 || child.exitCode !== null) throw new Error(`did not start: ${output}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return {
    child,
    output: () => output,
    port: /listens on http:\/\/127\.0\.0\.1:(\d+)/.exec(output)?.[1] ?? '',
  }
}

function run(directory: string, program: string[]): ChildProcess {
  const environment = { PATH: process.env.PATH, HOME: process.env.HOME, PORT: '0' }
  return spawn(process.execPath, program, {
    cwd: directory,
    env: environment,
  })
}

async function sql(directory: string, query: string, program = built('cli/main')): Promise<string> {
  const child = run(directory, [...program, 'sql', query])
  let output = ''
  for await (const chunk of child.stdout ?? []) output += chunk
  return output
}

/** Sends the request of a printed curl line. */
async function paste(line: string) {
  const url = /curl (\S+)/.exec(line)?.[1] ?? ''
  const headers = Object.fromEntries(
    [...line.matchAll(/-H '([^:]+): ([^']*)'/g)].map(([, name = '', value = '']) => [name, value]),
  )
  const body = /-d '(.*)'$/.exec(line)?.[1] ?? ''
  guardRequest(headers, Buffer.from(body))
  const answer = await fetch(url, { method: 'POST', headers, body })
  return { status: answer.status, json: (await answer.json()) as { outcome: string } }
}

async function kill({ child }: Running, signal: NodeJS.Signals) {
  const exit = once(child, 'exit')
  child.kill(signal)
  return (await exit) as [number | null, NodeJS.Signals | null]
}

describe.each([
  ['a directory that anyone may enter', 0o755],
  ['a directory that only its owner may enter', 0o700],
])('npm start in %s', (_name, mode) => {
  const directory = mkdtempSync(join(tmpdir(), 'nightpost-process-'))
  let home: string
  let running: Running

  beforeAll(async () => {
    chmodSync(directory, mode)
    running = await start(directory, source('main'))
    home = clusterHome(join(directory, '.data'))
  })
  afterAll(async () => {
    if (running.child.exitCode === null && running.child.signalCode === null) await kill(running, 'SIGTERM')
    rmSync(directory, { recursive: true })
    rmSync(home, { recursive: true, force: true })
  })

  const postmaster = () => {
    const data = readdirSync(home).find((name) => /^postgres-\d+$/.test(name)) ?? ''
    return findPostmaster(join(home, data))
  }
  const lines = () => running.output().match(/curl .*/g) ?? []

  it('prints curl lines that work when pasted', async () => {
    expect(lines()).toHaveLength(2)
    for (const line of lines())
      expect(await paste(line)).toMatchObject({ status: 200, json: { outcome: 'stored' } })
  })

  it('shows the row to npm run sql while the service runs', async () => {
    const query = 'select type, value from biomarkers'
    expect(await sql(directory, query, source('cli/main'))).toMatch(/steps.*8547[\s\S]*1 row/)
    expect(postmaster()).toBeDefined()
  })

  it('uses the Postgres that a killed Nightpost left running', async () => {
    const orphan = postmaster()
    await kill(running, 'SIGKILL')
    expect(isAlive(orphan?.pid ?? 0)).toBe(true)
    running = await start(directory)
    expect(postmaster()).toEqual(orphan)
    expect(await paste(lines()[0] ?? '')).toMatchObject({ json: { outcome: 'duplicate' } })
  })

  it('starts again after both processes were killed, with every row', async () => {
    const { pid } = postmaster() ?? { pid: 0 }
    await kill(running, 'SIGKILL')
    process.kill(pid, 'SIGKILL')
    running = await start(directory)
    expect(postmaster()?.pid).not.toBe(pid)
    for (const line of lines()) expect(await paste(line)).toMatchObject({ json: { outcome: 'duplicate' } })
  })

  it('restarts a Postgres that dies, and then answers again', async () => {
    const { pid } = postmaster() ?? { pid: 0 }
    process.kill(pid, 'SIGKILL')
    const line = lines()[0] ?? ''
    const deadline = Date.now() + 10_000
    while ((await paste(line)).status !== 200 && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    expect(await paste(line)).toMatchObject({ status: 200, json: { outcome: 'duplicate' } })
    expect(postmaster()?.pid).not.toBe(pid)
    expect(await sql(directory, 'select count(*) from deliveries')).toContain('2')
    expect(await paste(line)).toMatchObject({ status: 200 })
  })

  it('stops on SIGTERM in time, with Postgres, even if a client stays silent', async () => {
    if (mode === 0o755) {
      const silent = connect(Number(running.port), '127.0.0.1')
      silent.on('error', () => {})
      await once(silent, 'connect')
    }
    const { pid } = postmaster() ?? { pid: 0 }
    expect(await kill(running, 'SIGTERM')).toEqual([0, null])
    expect(isAlive(pid)).toBe(false)
    expect(existsSync(join(directory, '.data', 'credentials.json'))).toBe(true)
  })

  it('shows the rows without a running service, and stops Postgres afterwards', async () => {
    expect(await sql(directory, 'select count(*) from deliveries')).toContain('2')
    expect(postmaster()).toBeUndefined()
  })

  it('writes no value into the log of Postgres', () => {
    const log = readFileSync(join(home, 'postgres.log'), 'utf8')
    expect(log).toContain('database system is ready')
    for (const line of log.split('\n')) guardLine(line)
  })
})

it.each([
  ['a bad setting', { PORT: 'eighty' }, /^PORT: /],
  ['a database that is not there', { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nothing' }, /ECONNREFUSED/],
])('%s ends the process at the start with the reason', async (_name, settings, reason) => {
  const directory = mkdtempSync(join(tmpdir(), 'nightpost-process-'))
  const environment = { PATH: process.env.PATH, ASLEEP_API_KEYS: 'key', LOG_LEVEL: 'silent', ...settings }
  const child = spawn(process.execPath, built('main'), {
    cwd: directory,
    env: environment,
  })
  guardProcess(child)
  let errors = ''
  child.stderr.on('data', (data) => {
    errors += data
  })
  expect(await once(child, 'exit')).toEqual([1, null])
  expect(errors).toMatch(reason)
  expect(readdirSync(directory)).toEqual([])
  rmSync(directory, { recursive: true })
})
