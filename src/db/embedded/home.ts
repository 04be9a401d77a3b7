import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Account, canReach } from './account.ts'

/**
 * Where the cluster lives: the directory asked for, or, where the account can't pass through its
 * parents (a clone in root's home), a directory of its own below /var/lib.
 */
export function homeFor(directory: string, account: Account | undefined): string {
  const asked = resolve(directory)
  mkdirSync(asked, { recursive: true })
  if (canReach(asked, account)) return asked
  const name = createHash('sha256').update(asked).digest('hex').slice(0, 12)
  const elsewhere = join('/var/lib/nightpost', name)
  mkdirSync(elsewhere, { recursive: true, mode: 0o755 })
  return elsewhere
}

/** The superuser's password: made once, readable by this user alone. */
export function passwordIn(home: string): string {
  const file = join(home, 'postgres.password')
  if (!existsSync(file)) {
    try {
      writeFileSync(file, randomBytes(24).toString('base64url'), { mode: 0o600, flag: 'wx' })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
  return readFileSync(file, 'utf8')
}
