import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { type Account, changeOwner } from './account.ts'

/** Name of the database superuser. */
export const SUPERUSER = 'nightpost'

/**
 * Creates a data directory with `initdb`. It is created under another name and then renamed, so that a data
 * directory that exists is always complete.
 */
export function createDataDirectory(
  initdb: string,
  dataDirectory: string,
  password: string,
  account: Account | undefined,
): void {
  const partial = `${dataDirectory}.${process.pid}`
  const passwordFile = `${partial}.password`
  rmSync(partial, { recursive: true, force: true })
  mkdirSync(partial, { mode: 0o700 })
  writeFileSync(passwordFile, password, { mode: 0o600 })
  changeOwner(partial, account)
  changeOwner(passwordFile, account)
  const { status, stderr } = spawnSync(
    initdb,
    [
      ...[
        '-D',
        partial,
        '-U',
        SUPERUSER,
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
      ],
      ...['--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C', '--no-instructions'],
    ],
    { cwd: partial, encoding: 'utf8', env: { PATH: process.env.PATH, TZ: 'UTC' }, ...account },
  )
  rmSync(passwordFile)
  if (status !== 0) {
    rmSync(partial, { recursive: true, force: true })
    throw new Error(`initdb failed: ${stderr}`)
  }
  try {
    renameSync(partial, dataDirectory)
  } catch (error) {
    // A process that started at the same time may have created it first.
    if (!existsSync(dataDirectory)) throw error
    rmSync(partial, { recursive: true })
  }
}
