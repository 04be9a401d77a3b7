import type pg from 'pg'
import type { Delivery, Receipt } from '../../ingest/delivery.ts'
import type { Target } from '../../tables/target.ts'
import { sqlState } from '../commit/failure.ts'
import { GroupCommit, type GroupWriter } from '../commit/group-commit.ts'
import type { Limits } from '../commit/limits.ts'
import type { TimeLimits } from '../connect/transaction.ts'
import { databaseTime, preparePartitions } from '../upkeep/partitions.ts'
import { targetsWithFormerKey } from './former-key.ts'
import type { Client } from './plan.ts'
import { Writer } from './writer.ts'

/** No unique constraint matches the ON CONFLICT clause; a row violates a unique constraint that the clause does not name. */
const OTHER_KEY = ['42P10', '23505']

/** No partition has the day of a group, if `nightpost maintain` has not run for weeks. */
const NO_PARTITION = '23514'

/**
 * Writes with statements that name the primary keys that the tables have. It reads the keys from the catalogue before
 * the first group, and again when a statement fails because of another key: an online step may change a key at any time.
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
      if (sqlState(error) === NO_PARTITION)
        return await this.#writeWithPartition(client, group, error, limits)
      if (!OTHER_KEY.includes(sqlState(error) ?? '')) throw error
      await client.query('rollback')
      const now = await this.#ask(client)
      if (now.former.size === current.former.size) throw error
      return now.writer.write(client, group, limits)
    }
  }

  /** Creates the missing partition and tries once more. Throws the error if no partition was missing. */
  async #writeWithPartition(
    client: Client,
    group: readonly Delivery[],
    error: unknown,
    limits?: TimeLimits,
  ): Promise<Receipt[]> {
    await client.query('rollback')
    const created = await preparePartitions(client, await databaseTime(client))
    const current = this.#current
    if (created === 0 || !current) throw error
    return current.writer.write(client, group, limits)
  }

  async #ask(client: Client) {
    const former = await targetsWithFormerKey(client, this.#targets)
    this.#current = { former, writer: this.#make(former) }
    return this.#current
  }
}

/** A store that writes to the tables of these targets. */
export function adaptingStore(
  pool: Pick<pg.Pool, 'connect'>,
  targets: readonly Target[],
  limits?: Limits,
): GroupCommit {
  return new GroupCommit(pool, new AdaptingWriter(targets, (former) => new Writer(targets, former)), limits)
}
