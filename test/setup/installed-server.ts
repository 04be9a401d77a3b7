import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, unprivilegedAccount } from '../../src/embedded/index.ts'

/**
 * The directory of the newest Postgres that the system has with all its programs, as Debian installs it. The embedded
 * one has no psql and no pg_dump. Undefined if there is none.
 */
export const installedPrograms = newest('/usr/lib/postgresql')

function newest(home: string): string | undefined {
  const versions = existsSync(home) ? readdirSync(home) : []
  return versions
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(home, version, 'bin'))
    .find((bin) => ['initdb', 'pg_ctl', 'psql', 'pg_dump'].every((name) => existsSync(join(bin, name))))
}

export interface InstalledServer {
  /** For the programs of Postgres: PATH, PGHOST (the socket's directory) and PGPORT. */
  readonly environment: Record<string, string>
  readonly port: number
  stop(): void
}

/**
 * Starts a server as the official image does: whoever reaches the socket is trusted, and TCP needs a password. The
 * superuser is `postgres`.
 */
export async function startInstalledServer(): Promise<InstalledServer> {
  const bin = installedPrograms as string
  const directory = mkdtempSync(join(tmpdir(), 'nightpost-installed-'))
  chmodSync(directory, 0o755)
  const account = unprivilegedAccount()
  if (account) chownSync(directory, account.uid, account.gid)
  const data = join(directory, 'data')
  const passwordFile = join(directory, 'password')
  writeFileSync(passwordFile, 'first', { mode: 0o644 })
  const port = await freePort(0)
  const run = (program: string, ...options: string[]) =>
    execFileSync(join(bin, program), options, { cwd: directory, stdio: 'ignore', ...account })
  run(
    'initdb',
    ...['-D', data, '-U', 'postgres', '--auth-local=trust', '--auth-host=scram-sha-256'],
    ...[`--pwfile=${passwordFile}`, '--no-sync', '--encoding=UTF8', '--locale=C'],
  )
  const settings = `-p ${port} -k ${directory} -c listen_addresses=127.0.0.1 -c fsync=off`
  run('pg_ctl', '-D', data, '-w', '-l', join(directory, 'log'), '-o', settings, 'start')
  return {
    environment: { PATH: `${bin}:${process.env.PATH}`, PGHOST: directory, PGPORT: String(port) },
    port,
    stop: () => {
      spawnSync(join(bin, 'pg_ctl'), ['-D', data, '-m', 'immediate', 'stop'], { cwd: directory, ...account })
      rmSync(directory, { recursive: true })
    },
  }
}
