import { createHash, randomBytes } from 'node:crypto'
import { chmodSync, existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
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
  const elsewhere = join(ELSEWHERE, name)
  for (const path of [ELSEWHERE, elsewhere]) {
    mkdirSync(path, { recursive: true })
    // Whatever the umask took away: the account must pass.
    chmodSync(path, 0o755)
  }
  return elsewhere
}

const ELSEWHERE = '/var/lib/nightpost'

/** The superuser's password: made once, readable by this user alone. */
export function passwordIn(home: string): string {
  const file = join(home, 'postgres.password')
  if (!existsSync(file)) {
    const partial = `${file}.${process.pid}`
    writeFileSync(partial, randomBytes(24).toString('base64url'), { mode: 0o600 })
    try {
      // A link is there with all its content or not at all, and the first one stays.
      linkSync(partial, file)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    } finally {
      rmSync(partial)
    }
  }
  return readFileSync(file, 'utf8')
}
