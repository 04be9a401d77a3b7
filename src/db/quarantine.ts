import type pg from 'pg'
import type { Logger } from 'pino'
import type { Quarantine, Unverified } from '../ingest/delivery.ts'
import { sqlState } from './commit/failure.ts'
import { begin } from './connect/transaction.ts'
import { deleteOldestUnverified, insertUnverified } from './sql/quarantine-statements.ts'

/** What may wait in memory for its turn; a flood of strangers' deliveries beyond it is not kept. */
const WAITING_BYTES = 16 * 2 ** 20
const GROUP_BYTES = 4 * 2 ** 20
const GROUP_DELIVERIES = 500

/** What one may take in memory, its headers included: Node takes 16 KB of them. */
const HEADER_BYTES = 4096

const bytesOf = ({ arrival }: Unverified) => arrival.body.length + HEADER_BYTES

/** One number for all that fill the quarantine of one database: places are given one after the other. */
const LOCK = 7_421_930_211

interface Waiting {
  readonly unverified: Unverified
  done(): void
}

/** The quarantine in Postgres, bounded by `maxBytes`: the oldest deliveries make room for new ones. */
export class PostgresQuarantine implements Quarantine {
  readonly #pool: Pick<pg.Pool, 'connect'>
  readonly #log: Pick<Logger, 'warn'>
  readonly #maxBytes: number
  #waiting: Waiting[] = []
  #waitingBytes = 0
  #isWriting = false

  constructor(pool: Pick<pg.Pool, 'connect'>, log: Pick<Logger, 'warn'>, maxBytes: number) {
    this.#pool = pool
    this.#log = log
    this.#maxBytes = maxBytes
  }

  keep(unverified: Unverified): Promise<void> {
    const bytes = bytesOf(unverified)
    if (unverified.arrival.body.length > this.#maxBytes || this.#waitingBytes + bytes > WAITING_BYTES) {
      this.#log.warn({ vendor: unverified.vendor }, 'no room in the quarantine')
      return Promise.resolve()
    }
    this.#waitingBytes += bytes
    return new Promise((done) => {
      this.#waiting.push({ unverified, done })
      if (!this.#isWriting) void this.#write()
    })
  }

  async #write(): Promise<void> {
    this.#isWriting = true
    while (this.#waiting.length > 0) {
      const group = this.#take()
      try {
        await this.#transaction(group.map(({ unverified }) => unverified))
      } catch (error) {
        this.#log.warn({ code: sqlState(error), deliveries: group.length }, 'the quarantine was not written')
      }
      for (const { done } of group) done()
    }
    this.#isWriting = false
  }

  #take(): Waiting[] {
    let bytes = 0
    const end = this.#waiting.findIndex(({ unverified }, at) => {
      bytes += bytesOf(unverified)
      return at > 0 && (at === GROUP_DELIVERIES || bytes > GROUP_BYTES)
    })
    const group = this.#waiting.splice(0, end < 0 ? this.#waiting.length : end)
    for (const { unverified } of group) this.#waitingBytes -= bytesOf(unverified)
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
      ])
      await client.query(deleteOldestUnverified.text, [this.#maxBytes])
      await client.query('commit')
      isBroken = false
    } finally {
      client.release(isBroken)
    }
  }
}
