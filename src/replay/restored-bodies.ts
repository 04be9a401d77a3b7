import type { ArchivedDelivery } from '../archive/format.ts'
import { joinBodies } from '../db/citus/join-bodies.ts'
import { isDistributed } from '../db/citus/state.ts'
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
    if (await isDistributed(this.#client)) await this.#insert(await this.#withoutBody(chunk), '')
    else await this.#insert(chunk, WITHOUT_BODY)
  }

  async #insert(chunk: readonly ArchivedDelivery[], where: string): Promise<void> {
    if (chunk.length === 0) return
    const sizes = chunk.map(({ body }) => body.length)
    let start = 1
    const starts = sizes.map((size) => {
      start += size
      return start - size
    })
    await this.#client.query(
      `insert into ${this.table} select r.delivery_id, substring($1::bytea from r.start for r.size)
       from unnest($2::uuid[], $3::integer[], $4::integer[]) as r(delivery_id, start, size) ${where}`,
      [
        Buffer.concat(chunk.map(({ body }) => body)),
        chunk.map(({ delivery_id }) => delivery_id),
        starts,
        sizes,
      ],
    )
  }

  async #withoutBody(chunk: readonly ArchivedDelivery[]): Promise<ArchivedDelivery[]> {
    const { rows } = await this.#client.query(WITHOUT_BODY_ON_CITUS, [
      chunk.map(({ delivery_id }) => delivery_id),
    ])
    const ids = new Set(rows.map(({ delivery_id }) => delivery_id))
    return chunk.filter(({ delivery_id }) => ids.has(delivery_id))
  }
}

const WITHOUT_BODY = `join deliveries as d on d.delivery_id = r.delivery_id
  where not exists (select from delivery_bodies as b where b.delivery_id = d.delivery_id)`

const WITHOUT_BODY_ON_CITUS = `select d.delivery_id from deliveries as d left join ${joinBodies('$1')}
  where d.delivery_id = any($1::uuid[]) and b.delivery_id is null`
