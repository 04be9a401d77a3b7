import pg from 'pg'
import { afterAll, beforeEach, expect, it, vi } from 'vitest'
import { resetSession } from '../src/db/migrate/migrate.ts'
import { type MaintainOptions, maintain } from '../src/db/upkeep/maintain.ts'
import { createPartitions, GROUPS } from '../src/db/upkeep/partitions.ts'
import { idAtTime } from '../src/db/uuid-time.ts'
import { erase } from '../src/erase/erase.ts'
import { liftFence, raiseFence } from '../src/erase/fence.ts'
import { personOfOwner } from '../src/erase/person.ts'
import { vendors } from '../src/vendors/index.ts'
import { CITUS_URL } from './setup/citus.ts'
import { createDatabase } from './setup/database.ts'
import { itOnOneServer } from './setup/one-server.ts'

const DAY = 86_400_000
const START = Math.floor(Date.now() / DAY) * DAY - 3 * DAY
const OWNERS = 20
const EACH = 20
const PACK = 256 * 1024
const sahha = vendors.find(({ name }) => name === 'sahha') as (typeof vendors)[number]

/** Several chunks in a day, and several transactions in each. */
const limits = {
  chunkBytes: 2 ** 30,
  chunkDeliveries: 250,
  bytes: 8_000,
  deliveries: 60,
  changedEntries: 30,
}

const db = await createDatabase()
const client = await connected()
afterAll(async () => {
  await client.end()
  await db.drop()
})

async function connected(): Promise<pg.Client> {
  const connection = new pg.Client(db.direct)
  await connection.connect()
  await resetSession(connection, 'public')
  return connection
}

const run = (options: Partial<MaintainOptions> = {}) =>
  maintain(client, { schema: 'public', targets: [], retention: {}, limits, ...options })

/**
 * Deliveries of one day. The owners come by turns. Every third body is in its entry, as version 0.1.0 stored them, the others are
 * in groups of 50; on Citus every body is in its entry. The first owner has two long bodies, one of each form, and several that do not fit into one pack.
 */
beforeEach(async () => {
  await db.query('truncate deliveries, body_groups, body_packs, upkeep_tasks, erasures')
  await createPartitions(client, GROUPS, START, START + 1)
  await db.query(
    `create temp table made as
     select n, 'o-' || n % ${OWNERS} as owner, overlay($1 placing lpad(to_hex(n), 4, '0') from 33)::uuid as id, ${CITUS_URL ? 'true' : 'n % 3 = 0'} as is_inline,
       case when n in (${OWNERS}, ${3 * OWNERS}) then ${PACK + 44_000} when n % ${OWNERS} = 0 then 60000 else 200 + n end as size,
       overlay($1 placing lpad(to_hex(n / 50), 4, '0') from 25)::uuid as body_group
     from generate_series(1, ${OWNERS * EACH}) as n`,
    [idAtTime(START + 1000)],
  )
  await db.query(
    `create temp table bodies as select *, sum(size) over (partition by body_group, is_inline order by n) - size + 1 as start,
       convert_to(rpad(format('{"n":%s,', n), size, md5(n::text)), 'UTF8') as body from made`,
  )
  await db.query(
    `insert into body_groups select body_group, string_agg(body, '' order by n) from bodies where not is_inline group by 1`,
  )
  await db.query(
    `insert into deliveries (owner, vendor, body_digest, delivery_id, event, authenticated_by, outcome, headers, received_at,
       last_received_at, times_received, normaliser_version, body, body_group, body_start, body_size)
     select owner, 'sahha', sha256(body), id, 'x', 'signature', 'stored', '{}', now(), now(), 1, 1,
       case when is_inline then body end, case when not is_inline then body_group end,
       case when not is_inline then start end, case when not is_inline then size end from bodies`,
  )
  await db.query('drop table made, bodies')
})

/** How often each delivery is in a pack, and whether `delivery_bodies` has its bytes. */
async function found() {
  const [counts] = await db.query(
    `select count(*)::text as deliveries, count(*) filter (where b.body is null)::text as lost,
       count(*) filter (where sha256(b.body) <> d.body_digest)::text as changed,
       count(*) filter (where d.body is not null)::text as in_entries
     from deliveries as d left join delivery_bodies as b using (delivery_id)`,
  )
  const [packs] = await db.query(
    `select count(*)::text as packed, count(distinct id)::text as distinct from (select unnest(delivery_ids) as id from body_packs) as every`,
  )
  return { ...counts, ...packs }
}

const ALL = `${OWNERS * EACH}`
const whole = { deliveries: ALL, lost: '0', changed: '0', in_entries: '0', packed: ALL, distinct: ALL }

const packsOf = (owner: string) =>
  db.query(
    'select cardinality(ends) as n, ends[cardinality(ends)] as size from body_packs where owner = $1 order by pack_id',
    [owner],
  )

/** Runs `what` before the nth transaction that packs. Nothing is open on the connection then. */
function beforePacking(nth: number, what: () => Promise<void>) {
  const query = client.query.bind(client) as (...args: unknown[]) => Promise<unknown>
  let begun = 0
  return vi.spyOn(client, 'query').mockImplementation((async (...args: unknown[]) => {
    if (String(args[0]).includes('lock table deliveries')) {
      begun += 1
      if (begun === nth) await what()
    }
    return query(...args)
  }) as never)
}

it('makes one pack for each owner and 256 KiB of a chunk, from bodies in groups and in entries', async () => {
  const done = await run()
  expect(await found()).toEqual(whole)
  expect(await db.query('select count(*)::text as n from body_groups')).toEqual([{ n: '0' }])
  // 250 deliveries are a chunk, and the last 150 another.
  for (let n = 1; n < OWNERS; n += 1) {
    const packs = (await packsOf(`o-${n}`)).map((pack) => Number(pack.n))
    expect([packs.length, packs.reduce((sum, each) => sum + each, 0)]).toEqual([2, EACH])
  }
  const long = await packsOf('o-0')
  // Each long body has a pack, and four of the others fit into one. 12 of its 20 bodies are in the first chunk.
  expect(long.map(({ n }) => Number(n))).toEqual([1, 1, 1, 4, 4, 1, 4, 4])
  expect(done).toMatchObject({ bodiesPacked: OWNERS * EACH, packs: 2 * (OWNERS - 1) + long.length })
})

it('takes up an interrupted chunk where it stopped, and packs nothing twice', async () => {
  const position = () => db.query(`select position from upkeep_tasks where task = 'pack'`)
  for (const nth of [1, 3]) {
    const end = new AbortController()
    let calls = 0
    await run({ signal: end.signal, onProgress: () => ++calls === nth && end.abort() })
  }
  const half = await found()
  expect(half).toMatchObject({ lost: '0', changed: '0' })
  expect(Number(half.packed)).toBeLessThan(OWNERS * EACH)
  expect(half.packed).toBe(half.distinct)
  expect(await position()).toEqual([])

  // The connection is lost after the packs of the first chunk, while their bodies are removed from the entries.
  const other = await connected()
  const query = other.query.bind(other) as (...args: unknown[]) => Promise<unknown>
  let emptied = 0
  vi.spyOn(other, 'query').mockImplementation((async (...args: unknown[]) => {
    if (String(args[0]).startsWith('update deliveries set body = null') && ++emptied === 2) {
      other.on('error', () => {})
      await client.query('select pg_terminate_backend($1)', [
        (other as unknown as { processID: number }).processID,
      ])
    }
    return query(...args)
  }) as never)
  await expect(maintain(other, { schema: 'public', targets: [], retention: {}, limits })).rejects.toThrow()
  expect(await position()).toEqual([])
  expect(Number((await found()).in_entries)).toBeGreaterThan(0)

  // A clock that was set back makes the chunk smaller.
  await run({ limits: { ...limits, chunkDeliveries: 100 } })
  expect(await found()).toEqual(whole)
})

it('packs nothing of a person who is erased between two transactions of a chunk', async () => {
  const other = await connected()
  const spy = beforePacking(2, async () => {
    for (const owner of ['o-7', 'o-8']) await erase(other, await personOfOwner(other, sahha, owner))
    // The fence of this one is gone again when the next transaction looks for it.
    await liftFence(other, [await personOfOwner(other, sahha, 'o-8')])
    // The deletion of this one has not begun.
    await raiseFence(other, [await personOfOwner(other, sahha, 'o-9')])
  })
  await run()
  spy.mockRestore()
  await other.end()
  const packed = `${(OWNERS - 3) * EACH}`
  expect(await found()).toEqual({
    ...{ deliveries: `${(OWNERS - 2) * EACH}`, lost: '0', changed: '0', in_entries: `${EACH}` },
    ...{ packed, distinct: packed },
  })
  for (const owner of ['o-7', 'o-8', 'o-9']) expect(await packsOf(owner)).toEqual([])
})

it('packs nothing that is older than the retention, and removes it from the entries', async () => {
  expect(await run({ retention: { bodies: 1 } })).toMatchObject({ bodiesPacked: 0, packs: 0 })
  expect(await found()).toMatchObject({ in_entries: '0', lost: ALL, packed: '0' })
})

/** Updates of the ledger, and how many of them changed no index, since the server counts. */
async function updates(): Promise<{ all: number; hot: number }> {
  await client.query('select pg_stat_force_next_flush()')
  const [row] = await db.query(
    `select n_tup_upd::text as all, n_tup_hot_upd::text as hot from pg_stat_user_tables where relname = 'deliveries'`,
  )
  return { all: Number(row?.all), hot: Number(row?.hot) }
}

/** Packs 1,000 deliveries whose bodies are in their entries. Returns how many entries stayed on their page. */
async function packEntries(): Promise<number> {
  await db.query('truncate deliveries, body_packs, upkeep_tasks')
  await db.query(
    `insert into deliveries (owner, vendor, body_digest, delivery_id, event, authenticated_by, outcome, headers, received_at,
       last_received_at, times_received, normaliser_version, body)
     select 'o-' || n % 50, 'sahha', sha256(body), overlay($1 placing lpad(to_hex(n), 4, '0') from 33)::uuid, 'x', 'signature',
       'stored', '{}', now(), now(), 1, 1, body
     from generate_series(1, 1000) as n, convert_to(rpad(n || md5(n::text), 840, md5(n::text)), 'UTF8') as body`,
    [idAtTime(START + 1000)],
  )
  const before = await updates()
  await run({ limits: { ...limits, chunkDeliveries: 1000, changedEntries: 200 } })
  const after = await updates()
  expect(after.all - before.all).toBe(1000)
  return after.hot - before.hot
}

itOnOneServer('statistics')(
  'changes an index for few of the entries from which it removes a body',
  async () => {
    // The first entry of a page finds no room on it; all others stay there. A transaction of another test that is open on the
    // server keeps Postgres from freeing the room.
    await expect.poll(packEntries, { timeout: 60_000, interval: 1_000 }).toBeGreaterThan(800)
  },
)
