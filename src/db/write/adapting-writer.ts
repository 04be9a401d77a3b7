import type pg from 'pg'
import type { Delivery, Receipt } from '../../ingest/delivery.ts'
import type { Target } from '../../tables/target.ts'
import { sqlState } from '../commit/failure.ts'
import { GroupCommit, type GroupWriter } from '../commit/group-commit.ts'
import type { Limits } from '../commit/limits.ts'
import type { TimeLimits } from '../connect/transaction.ts'
import { targetsWithFormerKey } from './former-key.ts'
import type { Client } from './plan.ts'
import { Writer } from './writer.ts'

/** No unique constraint matches the ON CONFLICT clause; a row that was to be replaced breaks another constraint. */
const OTHER_KEY = ['42P10', '23505']

/**
 * Writes with the statements for the keys that the tables have: it asks before the first group, and again where a
 * statement meets another key, since an online step may give a table its new key at any time.
 */
export class AdaptingWriter implements GroupWriter {
  readonly #targets: readonly Target[]
  readonly #make: (former: ReadonlySet<Target>) => GroupWriter
  #current: { readonly former: ReadonlySet<Target>; readonly writer: GroupWriter } | undefined

  constructor(targets: readonly Target[], make: (former: ReadonlySet<Target>) => GroupWriter) {
    this.#targets = targets.filter(({ formerKey }) => formerKey !== undefined)
    this.#make = make
  }

  async write(client: Client, group: readonly Delivery[], limits?: TimeLimits): Promise<Receipt[]> {
    const current = this.#current ?? (await this.#ask(client))
    try {
      return await current.writer.write(client, group, limits)
    } catch (error) {
      if (!OTHER_KEY.includes(sqlState(error) ?? '')) throw error
      await client.query('rollback')
      const now = await this.#ask(client)
      if (now.former.size === current.former.size) throw error
      return now.writer.write(client, group, limits)
    }
  }

  async #ask(client: Client) {
    const former = await targetsWithFormerKey(client, this.#targets)
    this.#current = { former, writer: this.#make(former) }
    return this.#current
  }
}

/** A store that writes what arrives for these targets. */
export function adaptingStore(
  pool: Pick<pg.Pool, 'connect'>,
  targets: readonly Target[],
  limits?: Limits,
): GroupCommit {
  return new GroupCommit(pool, new AdaptingWriter(targets, (former) => new Writer(targets, former)), limits)
}
