import fc from 'fast-check'
import pg from 'pg'
import { positionsOf } from '../../src/db/citus/position.ts'
import { Writer } from '../../src/db/write/writer.ts'
import { type Delivery, newArrival } from '../../src/ingest/delivery.ts'
import { unpackAndJudge } from '../../src/ingest/judge.ts'
import { tellOf } from '../../src/replay/changed-rows.ts'
import { sahha } from '../../src/vendors/sahha/index.ts'
import { biomarker } from './bodies.ts'
import { CITUS_URL } from './citus.ts'
import type { TestDatabase } from './database.ts'
import { OpenCitusWriter } from './feed-model-citus.ts'

/** What one of several connections does, or the reader. `n` chooses among what is there. */
export interface Step {
  readonly action: 'store' | 'rejudge' | 'reject' | 'erase' | 'commit' | 'rollback' | 'read'
  readonly connection: number
  readonly n: number
}

const CONNECTIONS = 4

/** Commits are rarer than writes, so that several transactions are open most of the time. */
export const stepsOf = (...actions: Step['action'][]): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.record({
      action: fc.constantFrom(...actions, 'store', 'store', 'commit', 'rollback', 'read', 'read'),
      connection: fc.nat(CONNECTIONS - 1),
      n: fc.nat(999),
    }),
    { minLength: 20, maxLength: 60, size: 'max' },
  )

/** A change as the reader saw it: what it concerns, and the transaction, which its cursor names. */
interface Seen {
  readonly key: string
  readonly xid: bigint
}

interface Transaction {
  readonly xid: bigint
  /** The numbers of the steps that began and committed it. */
  readonly began: number
  committed: number | null
  /** The owners whose deliveries it has locked. */
  readonly owners: Set<string>
  /** What becomes of the deliveries when it commits, in order: each with its owner, or null if it is gone. */
  readonly written: Array<readonly [id: string, owner: string | null]>
  isErasure?: boolean
}

export function biomarkerOf(owner: string, id: string): Delivery {
  const body = biomarker({ id, profileId: owner, category: 'c' })
  const arrival = newArrival(Buffer.from(JSON.stringify(body)))
  const verdict = unpackAndJudge(sahha, 'signature', {}, arrival.body, 2 ** 20)
  return {
    arrival,
    verdict,
    vendor: 'sahha',
    authenticatedBy: 'signature',
    headers: {},
    normaliserVersion: 1,
  }
}

/** Several connections with a transaction each, and a reader of the feed between them. */
export class Interleaving {
  readonly #db: TestDatabase
  readonly #clients: pg.Client[] = []
  #writer: GroupOfModel = new Writer(sahha.targets) as never
  #runs = 0

  constructor(db: TestDatabase) {
    this.#db = db
  }

  async open(): Promise<void> {
    for (let n = 0; n <= CONNECTIONS; n += 1) {
      const client = new pg.Client({ connectionString: this.#db.direct })
      await client.connect()
      this.#clients.push(client)
    }
    if (CITUS_URL) this.#writer = await OpenCitusWriter.create(this.#clients[0] as pg.Client)
  }

  async close(): Promise<void> {
    for (const client of this.#clients) await client.end()
  }

  /** Runs the steps, and reads with the function `feed` until everything is seen. Returns what is wrong. */
  async faults(steps: readonly Step[], feed: string, pageSize: number): Promise<string[]> {
    this.#runs += 1
    const run = new Run(this.#clients, this.#writer, `run ${this.#runs}`, feed, pageSize)
    await run.begin()
    for (const step of steps) await run.take(step)
    return run.end()
  }
}

interface GroupOfModel {
  write(client: pg.Client, group: readonly Delivery[]): Promise<unknown>
}

class Run {
  readonly #clients: readonly pg.Client[]
  readonly #reader: pg.Client
  readonly #name: string
  readonly #feed: string
  readonly #pageSize: number
  readonly #writer: GroupOfModel
  readonly #open = new Map<number, Transaction>()
  readonly #ended: Transaction[] = []
  /** The owners of the deliveries that are committed. */
  readonly #owners = new Map<string, string>()
  readonly #seen: Seen[] = []
  #offset = 0n
  #cursor = ''
  #at = 0

  constructor(
    clients: readonly pg.Client[],
    writer: GroupOfModel,
    name: string,
    feed: string,
    pageSize: number,
  ) {
    this.#clients = clients
    this.#writer = writer
    this.#reader = clients[CONNECTIONS] as pg.Client
    this.#name = name
    this.#feed = feed
    this.#pageSize = pageSize
  }

  async begin(): Promise<void> {
    await this.#settled()
    const { rows } = await this.#reader.query(
      'select nightpost_changes_now() as now, xid_offset from change_feed',
    )
    this.#cursor = rows[0].now
    this.#offset = BigInt(rows[0].xid_offset)
  }

  async take({ action, connection, n }: Step): Promise<void> {
    this.#at += 1
    if (action === 'read') await this.#read()
    else if (action === 'commit' || action === 'rollback') await this.#close(connection, action)
    else if (action === 'store') await this.#store(connection, n)
    else await this.#change(connection, action, n)
  }

  async end(): Promise<string[]> {
    for (const connection of [...this.#open.keys()])
      await this.take({ action: connection % 2 ? 'commit' : 'rollback', connection, n: 0 })
    await this.#settled()
    while ((await this.#read()) > 0);
    return [...(await this.#missed()), ...this.#unexpected(), ...this.#disorder()]
  }

  async #read(): Promise<number> {
    const { rows } = await this.#reader.query(
      `select cursor, coalesce(delivery_id::text, owner) as key from ${this.#feed}($1, $2)`,
      [this.#cursor, this.#pageSize],
    )
    for (const { key, cursor } of rows) {
      this.#seen.push({ key, xid: BigInt(/p(\d+)/.exec(cursor)?.[1] ?? 0) / 2n - this.#offset })
      this.#cursor = cursor
    }
    return rows.length
  }

  async #transactionOf(connection: number): Promise<Transaction> {
    const before = this.#open.get(connection)
    if (before) return before
    const client = this.#clients[connection] as pg.Client
    await client.query('begin')
    const { rows } = await client.query('select pg_current_xact_id()::text as xid')
    const began = {
      xid: BigInt(rows[0].xid),
      began: this.#at,
      committed: null,
      owners: new Set<string>(),
      written: [],
    }
    this.#open.set(connection, began)
    return began
  }

  async #close(connection: number, how: 'commit' | 'rollback'): Promise<void> {
    const transaction = this.#open.get(connection)
    if (!transaction) return
    await this.#clients[connection]?.query(how)
    this.#open.delete(connection)
    this.#ended.push(transaction)
    if (how === 'rollback') return
    transaction.committed = this.#at
    for (const [id, owner] of transaction.written) {
      if (owner === null) this.#owners.delete(id)
      else this.#owners.set(id, owner)
    }
  }

  async #store(connection: number, n: number): Promise<void> {
    const [only] = CITUS_URL ? (this.#open.get(connection)?.owners ?? []) : []
    const owner = only ?? `${this.#name} owner ${connection}.${n % 3}`
    for (const [other, { owners }] of this.#open) if (other !== connection && owners.has(owner)) return
    const transaction = await this.#transactionOf(connection)
    const group = Array.from({ length: 1 + (n % 4) }, (_, place) =>
      biomarkerOf(owner, `${this.#at}-${place}`),
    )
    await this.#writer.write(this.#clients[connection] as pg.Client, group)
    transaction.owners.add(owner)
    for (const { arrival } of group) transaction.written.push([arrival.id, owner])
  }

  /** Changes a delivery that is committed and not locked by an open transaction, or erases its owner. */
  async #change(connection: number, action: Step['action'], n: number): Promise<void> {
    const locked = new Set([...this.#open.values()].flatMap(({ owners }) => [...owners]))
    const free = [...this.#owners].filter(([, owner]) => !locked.has(owner))
    const chosen = free[n % Math.max(1, free.length)]
    if (!chosen) return
    const [id, owner] = chosen
    if (CITUS_URL && this.#isOfOthers(connection, action)) return
    const transaction = await this.#transactionOf(connection)
    transaction.owners.add(owner)
    const client = this.#clients[connection] as pg.Client
    if (action === 'erase') {
      await client.query('delete from biomarkers where profile_id = $1', [owner])
      await client.query('delete from deliveries where owner = $1', [owner])
      await client.query(ERASE, [owner, (await positionsOf(client as never)).stored])
      transaction.isErasure = true
      for (const [other, its] of this.#owners) if (its === owner) transaction.written.push([other, null])
      return
    }
    if (action === 'reject')
      await client.query(`update deliveries set outcome = 'rejected' where owner = $1 and delivery_id = $2`, [
        owner,
        id,
      ])
    await tellOf(client as never, owner, [id])
    transaction.written.push([id, owner])
  }

  /** On Citus a transaction is of one owner, so of one node, and a table that every node has, is written by one at a time. */
  #isOfOthers(connection: number, action: Step['action']): boolean {
    const isErasing = [...this.#open].some(([other, { isErasure }]) => other !== connection && isErasure)
    return this.#open.has(connection) || (action === 'erase' && isErasing)
  }

  /** Waits until all transactions have ended that are open now, also those of other databases of the server. */
  async #settled(): Promise<void> {
    const { rows } = await this.#reader.query('select pg_current_xact_id()::text as id')
    for (;;) {
      const { rows: now } = await this.#reader.query(
        'select pg_snapshot_xmin(pg_current_snapshot()) > $1::text::xid8 as done',
        [rows[0].id],
      )
      if (now[0].done) return
    }
  }

  /** The changes that the database has now, and that the reader did not see. */
  async #missed(): Promise<string[]> {
    const { rows } = await this.#reader.query(
      `select delivery_id::text as key, change_position as position from deliveries
       where starts_with(owner, $1) and (outcome = 'stored' or change_position % 2 = 1)
       union all select encode(person, 'hex'), change_position from erasures where starts_with(vendor, $1)`,
      [`${this.#name} `],
    )
    const seen = new Set(this.#seen.map(({ key, xid }) => `${key} ${xid}`))
    return rows
      .filter(({ key, position }) => !seen.has(`${key} ${BigInt(position) / 2n - this.#offset}`))
      .map(({ key }) => `missed ${key}`)
  }

  #unexpected(): string[] {
    const committed = new Set(this.#ended.flatMap(({ xid, committed }) => (committed === null ? [] : [xid])))
    const faults = this.#seen
      .filter(({ xid }) => !committed.has(xid))
      .map(({ key }) => `not committed: ${key}`)
    const changes = new Set(this.#seen.map(({ key, xid }) => `${key} ${xid}`))
    return changes.size === this.#seen.length ? faults : [...faults, 'seen twice']
  }

  /** If a transaction was committed before another began, the reader sees its changes first. */
  #disorder(): string[] {
    const placed = this.#ended.flatMap((transaction) => {
      const places = this.#seen.flatMap(({ xid }, place) => (xid === transaction.xid ? [place] : []))
      return places.length > 0 ? [{ transaction, first: Math.min(...places), last: Math.max(...places) }] : []
    })
    return placed.flatMap((early) =>
      placed
        .filter(
          (late) =>
            (early.transaction.committed ?? Number.POSITIVE_INFINITY) < late.transaction.began &&
            early.last > late.first,
        )
        .map(() => 'seen in another order than committed'),
    )
  }
}

/** The name of the run, by which the test finds the erasure again, is in the place of the vendor. */
const ERASE = `insert into erasures (person, vendor, kind, fenced_at, erased_at, change_position)
  values (sha256(convert_to($1, 'UTF8')), $1, 'owner', now(), now(), $2)
  on conflict (person) do update set change_position = excluded.change_position`
