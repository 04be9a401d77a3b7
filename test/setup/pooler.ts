import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort, unprivilegedAccount } from '../../src/embedded/index.ts'

export interface Pooler {
  /** The URL of the same database through the pooler. */
  url(direct: string): string
  stop(): Promise<void>
}

/** The program, as Debian and others install it; TEST_PGBOUNCER may name another. */
const PROGRAM = process.env.TEST_PGBOUNCER || 'pgbouncer'
const version = spawnSync(PROGRAM, ['--version'], { encoding: 'utf8' })
export const hasPooler = version.error === undefined

/** Since 1.24 it carries prepared statements from one server process to the other, unless it is told not to. */
const [major = 0, minor = 0] = (/(\d+)\.(\d+)/.exec(version.stdout ?? '') ?? []).slice(1).map(Number)
export const keepsStatements = major > 1 || (major === 1 && minor >= 24)

export type PoolMode = 'session' | 'transaction' | 'statement'

/**
 * PgBouncer in front of a server, for whatever databases it has. Roles log in with their passwords as on the
 * server: it reads them there.
 */
export async function startPooler(
  server: string,
  mode: PoolMode,
  settings: Record<string, string | number> = {},
  program = PROGRAM,
): Promise<Pooler> {
  const { hostname, port, username, password } = new URL(server)
  const directory = mkdtempSync(join(tmpdir(), 'nightpost-pooler-'))
  const account = unprivilegedAccount()
  const own = Number(settings.listen_port ?? (await freePort(0)))
  const write = (name: string, text: string) => {
    const path = join(directory, name)
    writeFileSync(path, text, { mode: 0o600 })
    if (account) chownSync(path, account.uid, account.gid)
    return path
  }
  const users = write('users.txt', `"${decodeURIComponent(username)}" "${decodeURIComponent(password)}"\n`)
  const all = {
    listen_addr: '127.0.0.1',
    listen_port: own,
    unix_socket_dir: '',
    auth_type: 'scram-sha-256',
    auth_file: users,
    auth_user: decodeURIComponent(username),
    pool_mode: mode,
    max_client_conn: 1000,
    ...settings,
  }
  const lines = Object.entries(all).map(([name, value]) => `${name} = ${value}`)
  const config = write(
    'pgbouncer.ini',
    `[databases]\n* = host=${hostname} port=${port || 5432}\n[pgbouncer]\n${lines.join('\n')}\n`,
  )
  if (account) chownSync(directory, account.uid, account.gid)
  chmodSync(directory, 0o755)

  const child = spawn(program, ['-q', config], {
    cwd: directory,
    stdio: ['ignore', 'ignore', 'pipe'],
    ...account,
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text) => {
    said += text
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  for (let tries = 0; !(await listens(own)); tries += 1) {
    if (child.exitCode !== null || tries > 200) throw new Error(`PgBouncer did not start: ${said}`)
    await sleep(25)
  }
  return {
    url: (direct) => {
      const changed = new URL(direct)
      changed.host = `127.0.0.1:${own}`
      return changed.href
    },
    stop: async () => {
      child.kill('SIGTERM')
      await ended
      rmSync(directory, { recursive: true })
    },
  }
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' }, () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}
