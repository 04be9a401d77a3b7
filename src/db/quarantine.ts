import type pg from 'pg'
import type { Logger } from 'pino'
import type { Quarantine, Unverified } from '../ingest/delivery.ts'
import { sqlState } from './commit/failure.ts'
import { begin } from './connect/transaction.ts'
import { deleteOldestUnverified, insertUnverified } from './sql/quarantine-statements.ts'

/** Bytes in memory that wait to be written. Deliveries beyond them are discarded: their sender is not proven. */
const QUEUE_BYTES = 16 * 2 ** 20
const GROUP_BYTES = 4 * 2 ** 20
const GROUP_DELIVERIES = 500

/** Bytes in memory that a delivery takes beside its body. Node accepts up to 16 KB of headers. */
const HEADER_BYTES = 4096

const bytesOf = ({ arrival }: Unverified) => arrival.body.length + HEADER_BYTES

/** Key of the advisory lock of all writers to one database: a position depends on the one before it. */
const LOCK = 7_421_930_211

interface Queued {
  readonly unverified: Unverified
  done(): void
}

/** The quarantine in Postgres. It has at most `maxBytes`: the oldest deliveries are deleted for new ones. */
export class PostgresQuarantine implements Quarantine {
  readonly #pool: Pick<pg.Pool, 'connect'>
  readonly #log: Pick<Logger, 'warn'>
  readonly #maxBytes: number
  readonly #maxQueueBytes: number
  #queue: Queued[] = []
  #queueBytes = 0
  #isWriting = false

  /** `workers`: the processes that divide the memory for what waits. The limit of the table is one for all. */
  constructor(pool: Pick<pg.Pool, 'connect'>, log: Pick<Logger, 'warn'>, maxBytes: number, workers = 1) {
    this.#pool = pool
    this.#log = log
    this.#maxBytes = maxBytes
    this.#maxQueueBytes = QUEUE_BYTES / workers
  }

  keep(unverified: Unverified): Promise<void> {
    const bytes = bytesOf(unverified)
    if (unverified.arrival.body.length > this.#maxBytes || this.#queueBytes + bytes > this.#maxQueueBytes) {
      this.#log.warn(
        { vendor: unverified.vendor },
        'the quarantine is full: an unverified delivery was discarded',
      )
      return Promise.resolve()
    }
    this.#queueBytes += bytes
    return new Promise((done) => {
      this.#queue.push({ unverified, done })
      if (!this.#isWriting) void this.#write()
    })
  }

  async #write(): Promise<void> {
    this.#isWriting = true
    while (this.#queue.length > 0) {
      const group = this.#take()
      try {
        await this.#transaction(group.map(({ unverified }) => unverified))
      } catch (error) {
        this.#log.warn(
          { code: sqlState(error), deliveries: group.length },
          'unverified deliveries could not be written',
        )
      }
      for (const { done } of group) done()
    }
    this.#isWriting = false
  }

  #take(): Queued[] {
    let bytes = 0
    const end = this.#queue.findIndex(({ unverified }, at) => {
      bytes += bytesOf(unverified)
      return at > 0 && (at === GROUP_DELIVERIES || bytes > GROUP_BYTES)
    })
    const group = this.#queue.splice(0, end < 0 ? this.#queue.length : end)
    for (const { unverified } of group) this.#queueBytes -= bytesOf(unverified)
    return group
  }

  async #transaction(group: Unverified[]): Promise<void> {
    const client = await this.#pool.connect()
    let isBroken = true
    try {
      await begin(client)
      await client.query('select pg_advisory_xact_lock($1)', [LOCK])
      await client.query(insertUnverified.text, [
        group.map(({ arrival }) => arrival.id),
        group.map(({ vendor }) => vendor),
        group.map(({ headers }) => JSON.stringify(headers)),
        group.map(({ hashedHeaders }) => JSON.stringify(hashedHeaders)),
        group.map(({ arrival }) => arrival.body),
        group.map(({ arrival }) => arrival.receivedAt),
        group.map(({ users }) => JSON.stringify(users)),
      ])
      await client.query(deleteOldestUnverified.text, [this.#maxBytes])
      await client.query('commit')
      isBroken = false
    } finally {
      client.release(isBroken)
    }
  }
}
