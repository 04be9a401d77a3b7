import type { ArchivedDelivery } from '../archive/format.ts'
import type { ReplayContext } from './options.ts'

/**
 * A temporary table with the archived bodies of deliveries that the ledger has without their bodies. It exists as long as the
 * connection of the replay, and takes about as much disk as the bodies do.
 */
export class RestoredBodies {
  readonly table = 'pg_temp.restored_bodies'
  readonly #client: ReplayContext['client']

  private constructor(client: ReplayContext['client']) {
    this.#client = client
  }

  /** Throws if the connection does not keep its session. */
  static async create({ client, pooling }: ReplayContext): Promise<RestoredBodies> {
    if (pooling.mode === 'transaction')
      throw new Error(
        'replay --all --from needs a direct connection to the database. Set MIGRATE_DATABASE_URL to one that does not pass through a pooler.',
      )
    await client.query(
      'create temporary table restored_bodies (delivery_id uuid primary key, body bytea not null)',
    )
    return new RestoredBodies(client)
  }

  async add(chunk: readonly ArchivedDelivery[]): Promise<void> {
    if (chunk.length === 0) return
    const sizes = chunk.map(({ body }) => body.length)
    let start = 1
    const starts = sizes.map((size) => {
      start += size
      return start - size
    })
    await this.#client.query(
      `insert into ${this.table} select d.delivery_id, substring($1::bytea from r.start for r.size)
       from unnest($2::uuid[], $3::integer[], $4::integer[]) as r(delivery_id, start, size)
       join deliveries as d on d.delivery_id = r.delivery_id
       where not exists (select from delivery_bodies as b where b.delivery_id = d.delivery_id)`,
      [
        Buffer.concat(chunk.map(({ body }) => body)),
        chunk.map(({ delivery_id }) => delivery_id),
        starts,
        sizes,
      ],
    )
  }
}
