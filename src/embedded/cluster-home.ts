import { createHash, randomBytes } from 'node:crypto'
import { chmodSync, existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Account, canReach, unprivilegedAccount } from './account.ts'

const FALLBACK_PARENT = '/var/lib/nightpost'

/**
 * Creates and returns the directory for the server's files: `directory`, or, if the account may not traverse
 * its parents (as with a clone in root's home), a directory in /var/lib/nightpost.
 */
export function clusterHome(directory: string, account: Account | undefined = unprivilegedAccount()): string {
  const requested = resolve(directory)
  mkdirSync(requested, { recursive: true })
  if (canReach(requested, account)) return requested
  const name = createHash('sha256').update(requested).digest('hex').slice(0, 12)
  const fallback = join(FALLBACK_PARENT, name)
  for (const path of [FALLBACK_PARENT, fallback]) {
    mkdirSync(path, { recursive: true })
    // The umask may have removed permissions that the account needs.
    chmodSync(path, 0o755)
  }
  return fallback
}

/** The superuser's password. It is generated at the first call, into a file that only the current user may read. */
export function superuserPassword(home: string): string {
  const file = join(home, 'postgres.password')
  if (!existsSync(file)) writeOnce(file, randomBytes(24).toString('base64url'))
  return readFileSync(file, 'utf8')
}

/** Creates the file with its full content, unless another process has created it in the meantime. */
function writeOnce(file: string, content: string): void {
  const partial = `${file}.${process.pid}`
  writeFileSync(partial, content, { mode: 0o600 })
  try {
    // link() is atomic and, unlike rename(), fails if the file exists.
    linkSync(partial, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(partial)
  }
}
