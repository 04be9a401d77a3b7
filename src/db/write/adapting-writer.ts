import type pg from 'pg'
import type { Delivery, Receipt } from '../../ingest/delivery.ts'
import type { Target } from '../../tables/target.ts'
import { CitusWriter } from '../citus/citus-writer.ts'
import { ShardLanes } from '../citus/lanes.ts'
import { durabilityOf } from '../citus/nodes.ts'
import { isDistributed } from '../citus/state.ts'
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

/** Citus can't plan a statement that was written for one server: the tables were distributed since. */
const NOT_FOR_CITUS = ['0A000', 'XX000']

type MakeWriter = (former: ReadonlySet<Target>, client: Client) => GroupWriter | Promise<GroupWriter>

/**
 * Writes with statements that name the primary keys that the tables have. It reads the keys from the catalogue before
 * the first group, and again when a statement fails because of another key: an online step may change a key at any time.
 */
export class AdaptingWriter implements GroupWriter {
  readonly #targets: readonly Target[]
  readonly #make: MakeWriter
  #current: { readonly former: ReadonlySet<Target>; readonly writer: GroupWriter } | undefined

  constructor(targets: readonly Target[], make: MakeWriter) {
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
      if (![...OTHER_KEY, ...NOT_FOR_CITUS].includes(sqlState(error) ?? '')) throw error
      await client.query('rollback')
      const now = await this.#ask(client)
      const isSameKind = now.writer.constructor === current.writer.constructor
      if (isSameKind && now.former.size === current.former.size) throw error
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
    this.#current = { former, writer: await this.#make(former, client) }
    return this.#current
  }
}

/** A store that writes to the tables of these targets. On Citus its queue has a lane for each shard. */
export function adaptingStore(
  pool: Pick<pg.Pool, 'connect'>,
  targets: readonly Target[],
  limits?: Limits,
): GroupCommit {
  const lanes = new ShardLanes()
  const make: MakeWriter = async (former, client) => {
    if (!(await isDistributed(client))) return new Writer(targets, former)
    await lanes.read(client)
    return new CitusWriter(targets, lanes, await durabilityOf(client, (shard) => lanes.probeIn(shard)))
  }
  return new GroupCommit(pool, new AdaptingWriter(targets, make), limits, lanes)
}
