import { execFileSync } from 'node:child_process'
import { chownSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/** The system account that runs Postgres, which refuses to run as root. */
export interface Account {
  readonly uid: number
  readonly gid: number
}

/** The account to run Postgres under; undefined if this process is not root and can run it itself. */
export function unprivilegedAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined
  for (const name of ['postgres', 'nobody']) {
    const account = lookUp(name)
    if (account) return account
  }
  throw new Error(
    'Postgres refuses to run as root, and neither the account postgres nor the account nobody exists.',
  )
}

function lookUp(name: string): Account | undefined {
  try {
    const id = (flag: string) =>
      Number(execFileSync('id', [flag, name], { stdio: ['ignore', 'pipe', 'ignore'] }))
    return { uid: id('-u'), gid: id('-g') }
  } catch {
    return undefined
  }
}

/** Whether the account may traverse every directory of `path`. */
export function canReach(path: string, account: Account | undefined): boolean {
  if (!account) return true
  const { mode, uid, gid } = statSync(path)
  const search = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001
  if ((mode & search) === 0) return false
  return dirname(path) === path || canReach(dirname(path), account)
}

export function changeOwner(path: string, account: Account | undefined): void {
  if (account) chownSync(path, account.uid, account.gid)
}
