import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { type Account, give } from './account.ts'

export const USER = 'nightpost'

/** Makes a data directory: beside its place, so that one which is there is complete. */
export function initialise(
  initdb: string,
  data: string,
  password: string,
  account: Account | undefined,
): void {
  const partial = `${data}.${process.pid}`
  const passwordFile = `${partial}.password`
  rmSync(partial, { recursive: true, force: true })
  mkdirSync(partial, { mode: 0o700 })
  writeFileSync(passwordFile, password, { mode: 0o600 })
  give(partial, account)
  give(passwordFile, account)
  const { status, stderr } = spawnSync(
    initdb,
    [
      ...['-D', partial, '-U', USER, `--pwfile=${passwordFile}`, '--auth=scram-sha-256', '--encoding=UTF8'],
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
    renameSync(partial, data)
  } catch (error) {
    // Another process that started at the same time was faster.
    if (!existsSync(data)) throw error
    rmSync(partial, { recursive: true })
  }
}
