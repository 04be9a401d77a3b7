import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { resetCommand } from '../../src/cli/reset.ts'
import { clusterHome, findPostmaster, isAlive, startCluster } from '../../src/embedded/index.ts'
import { guardLine, guardProcess, guardRequest, guardSecret } from '../setup/log-guard.ts'
import { built, source } from '../setup/program.ts'

interface Running {
  readonly child: ChildProcess
  readonly output: () => string
  readonly port: string
}

/** Milliseconds. The first start compiles the sources and creates a database, which takes long beside load. */
const START_LIMIT = 110_000

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
  const deadline = Date.now() + START_LIMIT
  while (!output.includes('SQL clients')) {
    if (Date.now() > deadline || child.exitCode !== null) {
      child.kill('SIGTERM')
      throw new Error(`did not start: ${output}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return {
    child,
    output: () => output,
    port: /listens on http:\/\/127\.0\.0\.1:(\d+)/.exec(output)?.[1] ?? '',
  }
}

function run(directory: string, program: string[], settings: Record<string, string> = {}): ChildProcess {
  const environment = { PATH: process.env.PATH, HOME: process.env.HOME, PORT: '0', ...settings }
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

/** Runs `nightpost reset` in this process, without a terminal. Returns its exit code and what it prints. */
async function refused(options: string[], settings: Record<string, string>) {
  for (const [name, value] of Object.entries(settings)) vi.stubEnv(name, value)
  const terminal = Object.getOwnPropertyDescriptor(process.stdin, 'isTTY')
  Object.defineProperty(process.stdin, 'isTTY', { value: false, configurable: true })
  const print = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  const before = process.exitCode
  try {
    await resetCommand.parseAsync(options, { from: 'user' })
    return { code: process.exitCode, output: print.mock.calls.join('') }
  } finally {
    process.exitCode = before
    print.mockRestore()
    vi.unstubAllEnvs()
    Object.defineProperty(process.stdin, 'isTTY', terminal ?? { value: undefined, configurable: true })
  }
}

/** Runs `nightpost reset` on a terminal, where somebody types `answer`. */
async function resetOnTerminal(directory: string, answer: string) {
  const command = [process.execPath, ...built('cli/main'), 'reset']
  const quoted = command.map((part) => `'${part}'`).join(' ')
  // The `script` of macOS takes the command as arguments.
  const options =
    process.platform === 'darwin' ? ['-q', '/dev/null', ...command] : ['-qec', quoted, '/dev/null']
  const child = spawn('script', options, {
    cwd: directory,
    env: { PATH: process.env.PATH, HOME: process.env.HOME },
  })
  let output = ''
  child.stdout.on('data', (data) => {
    if (!output.includes('[y/N]') && `${output}${data}`.includes('[y/N]')) child.stdin.write(`${answer}\n`)
    output += data
  })
  const [code] = await once(child, 'close')
  child.stdin.end()
  return { code, output }
}

/** Runs a printed command in a shell, with curl and openssl. */
async function paste(line: string, directory: string) {
  // curl reads further options from here.
  writeFileSync(join(directory, '.curlrc'), 'silent\nwrite-out = "\\n%{http_code}"\n')
  const headers = Object.fromEntries(
    [...line.matchAll(/-H ['"]([^:]+): ([^'"$]*)/g)].map(([, name = '', value = '']) => [name, value]),
  )
  guardRequest(headers, Buffer.from(/(?:-d |body=)'([^']*)'/.exec(line)?.[1] ?? ''))
  guardSecret(/-hmac "([^"$]+)"/.exec(line)?.[1])
  const { stdout } = await promisify(execFile)('sh', ['-c', line], {
    env: { PATH: process.env.PATH, CURL_HOME: directory },
  })
  const [json = '', status] = stdout.split(/\n(?=\d+$)/)
  return { status: Number(status), json: JSON.parse(json) as { outcome: string } }
}

async function kill({ child }: Running, signal: NodeJS.Signals) {
  const exit = once(child, 'exit')
  child.kill(signal)
  return (await exit) as [number | null, NodeJS.Signals | null]
}

// One of them from the sources, which take long to compile.
describe.each([
  ['npm start in a directory that anyone may enter', 0o755, source],
  ['the built program in a directory that only its owner may enter', 0o700, built],
])('%s', (_name, mode, program) => {
  const directory = mkdtempSync(join(tmpdir(), 'nightpost-process-'))
  let home: string
  let running: Running

  beforeAll(async () => {
    chmodSync(directory, mode)
    home = clusterHome(join(directory, '.data'))
    running = await start(directory, program('main'))
  }, START_LIMIT + 10_000)
  afterAll(async () => {
    if (running.child.exitCode === null && running.child.signalCode === null) await kill(running, 'SIGTERM')
    rmSync(directory, { recursive: true })
    rmSync(home, { recursive: true, force: true })
  })

  const postmaster = () => {
    const data = readdirSync(home).find((name) => /^postgres-\d+$/.test(name)) ?? ''
    return findPostmaster(join(home, data))
  }
  const lines = () => running.output().match(/^ {2}(body=.*)?curl .*/gm) ?? []
  const send = (line = '') => paste(line, directory)
  const keptPort = () => Number(readFileSync(join(directory, '.data', 'port'), 'utf8'))

  it('prints commands that work when pasted: for Sahha one that signs the body, and one for a relay', async () => {
    expect(lines()).toHaveLength(3)
    const [asleep, sahha, relay] = lines()
    expect(sahha).toContain('openssl dgst -sha256 -hmac')
    expect(await send(asleep)).toMatchObject({ status: 200, json: { outcome: 'stored' } })
    expect(await send(sahha)).toMatchObject({ status: 200, json: { outcome: 'stored' } })
    expect(await send(relay)).toMatchObject({ status: 200, json: { outcome: 'duplicate' } })
  })

  if (mode === 0o755) {
    it('reset asks on a terminal, and deletes nothing without a yes, or while the service runs', async () => {
      const no = await resetOnTerminal(directory, '')
      expect(no.output).toContain(
        'Delete 2 deliveries and all their rows from the embedded database in .data? [y/N]',
      )
      expect([no.code, no.output]).toEqual([1, expect.stringContaining('Nothing was deleted.')])
      const yes = await resetOnTerminal(directory, 'y')
      expect([yes.code, yes.output]).toEqual([1, expect.stringContaining('deleted: another Nightpost')])
    })
  }

  it('prints a link to the console, which has a listener and a kept token of its own', async () => {
    await expect.poll(running.output).toMatch(/\/login#[\w-]{32}\n/)
    const link = new URL(/^ {2}(http:\S+\/login#\S+)$/m.exec(running.output())?.[1] ?? '')
    const token = link.hash.slice(1)
    guardSecret(token)
    expect(readFileSync(join(directory, '.data', 'console-token'), 'utf8')).toBe(`${token}\n`)
    expect((await fetch(`http://127.0.0.1:${running.port}/login`)).status).toBe(404)
    expect(await (await fetch(`${link.origin}/static/console.js`)).text()).toContain('EventSource')
    const login = await fetch(link.origin + link.pathname, {
      ...{ method: 'POST', redirect: 'manual', body: new URLSearchParams({ token }) },
      headers: { origin: link.origin },
    })
    expect([login.status, login.headers.get('location')]).toEqual([303, '/'])
  })

  it('shows the row to the command sql while the service runs', async () => {
    const query = 'select type, value from biomarkers'
    expect(await sql(directory, query, program('cli/main'))).toMatch(/steps.*8547[\s\S]*1 row/)
    expect(postmaster()).toBeDefined()
  })

  it('uses the Postgres that a killed Nightpost left running', async () => {
    const orphan = postmaster()
    await kill(running, 'SIGKILL')
    expect(isAlive(orphan?.pid ?? 0)).toBe(true)
    running = await start(directory)
    expect(postmaster()).toEqual(orphan)
    expect(await send(lines()[0])).toMatchObject({ json: { outcome: 'duplicate' } })
  })

  it('starts again after both processes were killed, with every row and on the same port', async () => {
    const { pid, port } = postmaster() ?? { pid: 0 }
    await kill(running, 'SIGKILL')
    process.kill(pid, 'SIGKILL')
    running = await start(directory)
    expect(postmaster()?.pid).not.toBe(pid)
    expect([postmaster()?.port, keptPort()]).toEqual([port, port])
    for (const line of lines()) expect(await send(line)).toMatchObject({ json: { outcome: 'duplicate' } })
  })

  it('restarts a Postgres that dies, and then answers again', async () => {
    const { pid } = postmaster() ?? { pid: 0 }
    process.kill(pid, 'SIGKILL')
    const [line] = lines()
    // Crash recovery beside load takes as long as it takes.
    await expect.poll(async () => (await send(line)).status, { timeout: 60_000 }).toBe(200)
    expect(await send(line)).toMatchObject({ status: 200, json: { outcome: 'duplicate' } })
    expect(postmaster()?.pid).not.toBe(pid)
    expect(await sql(directory, 'select count(*) from deliveries')).toContain('2')
    expect(await send(line)).toMatchObject({ status: 200 })
  }, 90_000)

  const hinders = mode === 0o755 ? 'a client stays silent' : 'Postgres is just being started again'
  it(`stops on SIGTERM with Postgres, even if ${hinders}`, async () => {
    const { pid } = postmaster() ?? { pid: 0 }
    if (mode === 0o755) {
      const silent = connect(Number(running.port), '127.0.0.1')
      silent.on('error', () => {})
      await once(silent, 'connect')
    } else process.kill(pid, 'SIGKILL')
    expect(await kill(running, 'SIGTERM')).toEqual([0, null])
    expect(isAlive(pid)).toBe(false)
    expect(postmaster()).toBeUndefined()
    expect(existsSync(join(directory, '.data', 'credentials.json'))).toBe(true)
  }, 60_000)

  it('shows the rows without a running service, beside a stranger on the port, and stops Postgres afterwards', async () => {
    const port = keptPort()
    const stranger = createServer().listen(port, '127.0.0.1')
    await once(stranger, 'listening')
    expect(await sql(directory, 'select count(*) from deliveries')).toContain('2')
    expect(postmaster()).toBeUndefined()
    expect(keptPort()).not.toBe(port)
    stranger.close()
  })

  it('writes no value into the log of Postgres', () => {
    const log = readFileSync(join(home, 'postgres.log'), 'utf8')
    expect(log).toContain('database system is ready')
    for (const line of log.split('\n')) guardLine(line)
  })

  if (mode === 0o755) {
    it('is emptied by reset --yes, which keeps credentials and the port', async () => {
      const files = () =>
        ['credentials.json', 'port'].map((name) => readFileSync(join(directory, '.data', name), 'utf8'))
      const kept = files()
      const child = run(directory, [...built('cli/main'), 'reset', '--yes', '--json'])
      let output = ''
      for await (const chunk of child.stdout ?? []) output += chunk
      expect(JSON.parse(output)).toEqual({ emptied: true, deliveries: 2 })
      expect(files()).toEqual(kept)
      expect(postmaster()).toBeUndefined()
    })
  }
})

it.each([
  ['without a terminal, because it can not ask', ['--json'], {}, /^There is no terminal .* --yes\.\n$/],
  [
    'if DATABASE_URL is set',
    ['--yes'],
    { DATABASE_URL: 'postgres://127.0.0.1:1/mine' },
    /^DATABASE_URL: it is set, .* Unset it\.\n$/,
  ],
])('nightpost reset refuses with 2 %s', async (_name, options, settings, reason) => {
  expect(await refused(options, settings)).toEqual({ code: 2, output: expect.stringMatching(reason) })
})

it.each([
  [
    'wrong settings',
    'main',
    { PORT: 'eighty', LOG_LEVEL: 'loud', SAHHA_SECRET: 'sesame' },
    [
      /^Warning: SAHHA_SECRET .* SAHHA_WEBHOOK_SECRETS\?$/,
      /^PORT: "eighty" .*\.$/,
      /^LOG_LEVEL: "loud" .*\.$/,
    ],
  ],
  [
    'production without a database',
    'main',
    { NODE_ENV: 'production' },
    [/^DATABASE_URL: it is not set, .*\.$/],
  ],
  [
    'a database that is not there',
    'main',
    { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nothing' },
    [/^DATABASE_URL: nothing listens on 127\.0\.0\.1:1 \(ECONNREFUSED\)\. .*\.$/],
  ],
  [
    'production without a database for a command',
    'cli/main',
    { NODE_ENV: 'production', DATABASE_ULR: 'postgres://sesame@host/db' },
    [/^Warning: DATABASE_ULR .* DATABASE_URL\?$/, /^DATABASE_URL: it is not set, .*\.$/],
  ],
] as const)(
  '%s: the process ends at the start, and gives each reason in one line',
  async (_name, program, settings, reasons) => {
    const directory = mkdtempSync(join(tmpdir(), 'nightpost-process-'))
    const environment = { PATH: process.env.PATH, ASLEEP_API_KEYS: 'key', LOG_LEVEL: 'silent', ...settings }
    const child = spawn(
      process.execPath,
      [...built(program), ...(program === 'main' ? [] : ['sql', 'select 1'])],
      {
        cwd: directory,
        env: environment,
      },
    )
    guardProcess(child)
    let errors = ''
    child.stderr.on('data', (data) => {
      errors += data
    })
    expect(await once(child, 'close')).toEqual([1, null])
    const lines = errors.trimEnd().split('\n')
    expect(lines).toEqual(reasons.map((reason) => expect.stringMatching(reason)))
    expect(errors).not.toContain('sesame')
    expect(readdirSync(directory)).toEqual([])
    rmSync(directory, { recursive: true })
  },
)

it('the embedded server is stopped by the last that uses it, also while connections are still closing', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'nightpost-release-'))
  try {
    const [first, second] = [await startCluster(directory), await startCluster(directory)]
    const { dataDirectory, url } = first
    const closing = new pg.Client({ connectionString: url, application_name: 'nightpost' })
    await closing.connect()
    await first.release()
    expect(findPostmaster(dataDirectory)).toBeDefined()
    setTimeout(() => void closing.end(), 300)
    await second.release()
    expect(findPostmaster(dataDirectory)).toBeUndefined()
    for (let round = 0; round < 3; round += 1) {
      const users = [
        await startCluster(directory),
        await startCluster(directory),
        await startCluster(directory),
      ]
      await Promise.all(users.map((user) => user.release()))
      expect(findPostmaster(dataDirectory)).toBeUndefined()
    }
  } finally {
    rmSync(clusterHome(directory), { recursive: true, force: true })
    rmSync(directory, { recursive: true, force: true })
  }
})
