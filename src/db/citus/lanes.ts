import type pg from 'pg'
import type { Lanes } from '../commit/queue.ts'
import { hashText } from './hash-text.ts'

type Client = Pick<pg.ClientBase, 'query'>

const RANGES = `select shardid::int as shard, shardminvalue::int as from_hash, shardmaxvalue::int as to_hash from pg_dist_shard
where logicalrelid = to_regclass('deliveries') order by shardminvalue::int`

const NODES = `select p.shardid::int as shard, p.groupid as node from pg_dist_placement as p
where p.shardid in (select s.shardid from pg_dist_shard as s where s.logicalrelid = to_regclass('deliveries'))`

const SHARDS = `select o.owner, get_shard_id_for_distribution_column('deliveries', o.owner)::int as shard
from unnest($1::text[]) as o(owner)`

/** About 4,000 texts have to be tried to find one among so many hashes. */
const FEW_HASHES = 2 ** 20

/** A shard, and the hashes of the owners in it. */
interface Range {
  readonly shard: number
  readonly from_hash: number
  readonly to_hash: number
}

/**
 * The shard of each owner: a lane of the queue. The ranges of the hash are read once. Moving a shard to another node changes
 * nothing here, because every shard is on one node. Splitting a shard does; `CitusWriter` notices it and reads them again.
 */
export class ShardLanes implements Lanes {
  #ranges: readonly Range[] = []
  #nodeOf: ReadonlyMap<number, number> = new Map()
  /** The nodes that have shards. */
  nodes = 1
  /** Until the ranges are known, all owners have one lane. */
  areMany = false

  of(owner: string): number {
    return this.#rangeOf(owner)?.shard ?? 0
  }

  #rangeOf(owner: string): Range | undefined {
    const hash = hashText(owner)
    let low = 0
    let high = this.#ranges.length
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if ((this.#ranges[middle] as Range).from_hash <= hash) low = middle
      else high = middle
    }
    return this.#ranges[low]
  }

  /** Returns the only shard that owners are in. Returns null if there are several, or if the shards are not known. */
  onlyShardOf(owners: Iterable<string>): Range | null {
    const found = new Set<Range | undefined>()
    for (const owner of owners) found.add(this.#rangeOf(owner))
    const [range] = found
    return found.size === 1 && range ? range : null
  }

  /** After a shard was moved this may be wrong until the ranges are read again. Only how writers are divided depends on it. */
  nodeOf(lane: number): number {
    return this.#nodeOf.get(lane) ?? 0
  }

  /**
   * Returns a text that is no owner's, and would be in this shard. Returns null if the shard has too few hashes to find one: that
   * of an owner who has a shard of their own has a single one.
   */
  probeIn(shard: number): string | null {
    const range = this.#ranges.find((each) => each.shard === shard)
    if (!range || range.to_hash - range.from_hash < FEW_HASHES) return null
    for (let n = 0; ; n += 1) if (this.of(`probe ${n}`) === shard) return `probe ${n}`
  }

  /** Throws if the tables are not distributed, or not by the hash that `hashText` computes. */
  async read(client: Client): Promise<void> {
    const { rows } = await client.query(RANGES)
    if (rows.length === 0) throw new Error('The table deliveries is not distributed.')
    this.#ranges = rows
    this.areMany = rows.length > 1
    const probes = rows.flatMap(({ shard }) => this.probeIn(shard) ?? [])
    const found = await client.query(SHARDS, [probes])
    if (found.rows.some(({ owner, shard }) => this.of(owner) !== shard))
      throw new Error('Citus finds other shards for owners than the service does.')
    const placements = await client.query(NODES)
    this.#nodeOf = new Map(placements.rows.map(({ shard, node }) => [shard, node]))
    this.nodes = new Set(this.#nodeOf.values()).size
  }
}

/** A statement whose only row says whether a shard is still that of the same hashes. */
export const isUnchanged = ({ shard, from_hash, to_hash }: Range): string =>
  `select count(*) = 1 as is from pg_dist_shard where shardid = ${shard} and shardminvalue = '${from_hash}' and shardmaxvalue = '${to_hash}'`
