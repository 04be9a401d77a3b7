import type pg from 'pg'
import type { Lanes } from '../commit/queue.ts'
import { hashText } from './hash-text.ts'

type Client = Pick<pg.ClientBase, 'query'>

const RANGES = `select shardid::int as shard, shardminvalue::int as from_hash from pg_dist_shard
where logicalrelid = to_regclass('deliveries') order by shardminvalue::int`

const NODES = `select p.shardid::int as shard, p.groupid as node from pg_dist_placement as p
where p.shardid in (select s.shardid from pg_dist_shard as s where s.logicalrelid = to_regclass('deliveries'))`

const SHARDS = `select o.owner, get_shard_id_for_distribution_column('deliveries', o.owner)::int as shard
from unnest($1::text[]) as o(owner)`

/**
 * The shard of each owner: a lane of the queue. The ranges of the hash are read once. Moving a shard to another node changes
 * nothing here, because every shard is on one node. Splitting a shard does; `CitusWriter` notices it and reads them again.
 */
export class ShardLanes implements Lanes {
  #from: number[] = []
  #shards: number[] = []
  #nodeOf: ReadonlyMap<number, number> = new Map()
  nodes = 1

  /** Until the ranges are known, all owners have one lane. */
  get areMany(): boolean {
    return this.#shards.length > 1
  }

  of(owner: string): number {
    if (this.#shards.length === 0) return 0
    const hash = hashText(owner)
    let low = 0
    let high = this.#from.length
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if ((this.#from[middle] as number) <= hash) low = middle
      else high = middle
    }
    return this.#shards[low] as number
  }

  /** After a shard was moved this may be wrong until the ranges are read again. Only how writers are divided depends on it. */
  nodeOf(lane: number): number {
    return this.#nodeOf.get(lane) ?? 0
  }

  /** Returns a text that is no owner's, and would be in this shard. */
  probeIn(shard: number): string {
    for (let n = 0; ; n += 1)
      if (this.#shards.length === 0 || this.of(`probe ${n}`) === shard) return `probe ${n}`
  }

  async read(client: Client): Promise<void> {
    const { rows } = await client.query(RANGES)
    this.#from = rows.map(({ from_hash }) => from_hash)
    this.#shards = rows.map(({ shard }) => shard)
    const placements = await client.query(NODES)
    this.#nodeOf = new Map(placements.rows.map(({ shard, node }) => [shard, node]))
    this.nodes = new Set(this.#nodeOf.values()).size
  }
}

/** Returns the shard of each owner, as the coordinator knows it at this moment. */
export async function shardsOf(client: Client, owners: readonly string[]): Promise<Map<string, number>> {
  const { rows } = await client.query({ name: 'shards of owners', text: SHARDS, values: [owners] })
  return new Map(rows.map(({ owner, shard }) => [owner, shard]))
}
