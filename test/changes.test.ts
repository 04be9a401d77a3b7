import { spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { readConfig } from '../src/config/index.ts'
import { createPool } from '../src/db/connect/pool.ts'
import { migrate } from '../src/db/migrate/migrate.ts'
import { deleteEntries } from '../src/db/upkeep/retention.ts'
import { timeOfId } from '../src/db/uuid-time.ts'
import { adaptingStore } from '../src/db/write/adapting-writer.ts'
import { follow } from '../src/feed/follow.ts'
import { Standstill } from '../src/feed/standstill.ts'
import { replay } from '../src/replay/replay.ts'
import { vendors } from '../src/vendors/index.ts'
import { biomarker, score } from './setup/bodies.ts'
import { changeOwner } from './setup/change-owner.ts'
import type { TestDatabase } from './setup/database.ts'
import { biomarkerOf } from './setup/feed-model.ts'
import { guardedLog, guardLine } from './setup/log-guard.ts'
import { built } from './setup/program.ts'
import { environment, setup, type TestService } from './setup/service.ts'

let service: TestService
let db: TestDatabase
/** What the tests before have read. */
let cursor: string | null = null
beforeAll(async () => {
  service = await setup({ MAINTENANCE: 'off' })
  db = service.db
})
afterAll(() => service.close())

interface Row {
  readonly cursor: string
  readonly change: string
  readonly owner: string
  readonly delivery_id: string
}

const page = (since: string | null, rows = 1000) =>
  db.query<Row>('select * from nightpost_changes($1, $2)', [since, rows])

/** Waits until the feed has everything that is committed: transactions of other databases of the server hold it up. */
async function settle() {
  const [{ id } = { id: '' }] = await db.query('select pg_current_xact_id()::text as id')
  const isPast = () =>
    db.query('select pg_snapshot_xmin(pg_current_snapshot()) > $1::text::xid8 as yes', [id])
  await expect.poll(isPast, { interval: 5 }).toEqual([{ yes: 't' }])
}

/** The changes since the last call, as `change owner`. */
async function news(): Promise<string[]> {
  await settle()
  const rows = await page(cursor)
  cursor = rows.at(-1)?.cursor ?? cursor
  return rows.map(({ change, owner }) => `${change} ${owner}`)
}

const send = async (owner: string, fields: object = {}) => {
  const body = biomarker({ id: `of ${owner}`, profileId: owner, category: 'c', ...fields })
  return (await service.sahha(body, 'BiomarkerCreatedIntegrationEvent')).json
}

const sqlStateOf = (since: string) =>
  page(since).then(
    () => 'none',
    ({ code, hint, message }) => {
      expect(hint.length).toBeGreaterThan(20)
      expect(message).toMatch(/\.$/)
      return code
    },
  )

describe('nightpost_changes', () => {
  it('tells of stored deliveries, and once more when one is judged again', async () => {
    await send('a')
    await send('b', { id: null })
    expect(await news()).toEqual(['stored a'])
    // A retry of a refused body is no change either.
    await send('b', { id: null })
    await send('a')
    expect(await news()).toEqual([])
    await db.query(`update deliveries set outcome = 'rejected' where owner = 'a'`)
    await send('a')
    expect(await news()).toEqual(['rejudged a'])
  })

  it('continues after any row, with pages of any size', async () => {
    const all = await page(null)
    let since: string | null = null
    for (const expected of all) {
      const [row]: Row[] = await page(since, 1)
      expect(row).toEqual(expected)
      since = expected.cursor
    }
    expect(await page(since)).toEqual([])
  })

  it('holds back what was committed after a slower transaction began', async () => {
    const slow = new pg.Client({ connectionString: db.direct })
    await slow.connect()
    await slow.query('begin; select pg_current_xact_id()')
    await send('fast')
    expect(await page(cursor)).toEqual([])
    const { rows } = await slow.query('select pg_backend_pid() as pid')
    const reader = new pg.Client({ connectionString: db.direct })
    await reader.connect()
    // Until the older transactions of other databases have ended.
    await expect
      .poll(() => new Standstill(0).look(reader))
      .toMatch(new RegExp(`^The feed stands still because of a transaction of process ${rows[0].pid} that `))
    expect(await new Standstill().look(reader)).toBe(null)
    await reader.end()
    await slow.query('commit')
    await slow.end()
    expect(await news()).toEqual(['stored fast'])
  })

  it('shows each delivery of several replicas once to a reader who reads meanwhile', async () => {
    const pools = Array.from({ length: 3 }, () => createPool(db.direct, guardedLog))
    const stores = pools.map((pool) =>
      adaptingStore(
        pool,
        vendors.flatMap(({ targets }) => targets),
      ),
    )
    const deliveries = Array.from({ length: 300 }, (_, n) => biomarkerOf(`replica ${n % 7}`, `${n}`))
    const seen: string[] = []
    const reading = new AbortController()
    const follower = follow({
      connect: async () => {
        const client = new pg.Client({ connectionString: db.direct })
        await client.connect()
        return client
      },
      ...{ since: cursor, isEndless: true, warn: () => {}, signal: reading.signal },
      take: async (changes) => {
        seen.push(...changes.map(({ line }) => JSON.parse(line).delivery_id))
      },
    })
    await Promise.all(deliveries.map((delivery, n) => stores[n % 3]?.commit(delivery)))
    await expect.poll(() => seen.length).toBe(300)
    reading.abort()
    await follower
    await Promise.all(pools.map((pool) => pool.end()))
    expect(new Set(seen)).toEqual(new Set(deliveries.map(({ arrival }) => arrival.id)))
    await news()
  })
})

describe('a replay', () => {
  const run = (given: object) =>
    replay({
      ...{ databaseUrl: db.direct, vendors, config: readConfig(environment), log: { warn: () => {} } },
      ...{ filter: {}, all: false, dryRun: false, signal: new AbortController().signal, progress: () => {} },
      ...given,
    })

  it.each([
    ['--all', { all: true }],
    ['--outcome stored', { filter: { outcomes: ['stored'] } }],
  ])('%s tells of the deliveries of which a row changed, and of no other', async (_, options) => {
    const factors = [{ name: 'one' }, { name: 'two' }]
    const scoreOf = (owner: string) => score({ profileId: owner, factors })
    for (const owner of ['row', 'part', 'gone part', 'same'])
      await service.sahha(scoreOf(owner), 'ScoreCreatedIntegrationEvent')
    await news()
    await run(options)
    expect(await news()).toEqual([])

    await db.query(`update scores set state = 'bent' where profile_id = 'row'`)
    await db.query(`update score_factors set name = 'bent' where profile_id = 'part' and position = 0`)
    await db.query(`delete from score_factors where profile_id = 'gone part' and position = 1`)
    await db.query(`update deliveries set normaliser_version = 0`)
    await run(options)
    expect((await news()).sort()).toEqual(['rejudged gone part', 'rejudged part', 'rejudged row'])
    await db.query(
      `delete from scores; delete from deliveries where owner in ('row', 'part', 'gone part', 'same')`,
    )
  })

  it('tells of a delivery whose rows go, and of one that gets another owner', async () => {
    await send('leaves')
    const { delivery_id } = await send('moves')
    await news()
    // What an earlier version judged otherwise.
    await changeOwner(db, `delivery_id = '${delivery_id}'`, 'of nobody', `outcome = 'rejected'`)
    await db.query(`update deliveries set headers = '{"x-external-id": "another"}' where owner = 'leaves'`)
    await run({ all: true })
    expect((await news()).sort()).toEqual(['rejudged leaves', 'rejudged moves'])
    expect(await db.query(`select from biomarkers where profile_id = 'leaves'`)).toEqual([])
  })
})

describe('a cursor', () => {
  it('is refused if it is none', async () => {
    for (const text of ['', 'now', `${cursor}0`, `${cursor}'`, '0.0.0.s'])
      expect(await sqlStateOf(text), text).toBe('NP001')
    await expect(page(cursor, 0)).rejects.toMatchObject({ code: '22023' })
  })

  it('is refused if the server has not come so far, or has another past', async () => {
    const [epoch, timeline, removals, place = ''] = (cursor ?? '').split('.', 4) as string[]
    const id = (cursor ?? '').slice(-36)
    expect(await sqlStateOf(`${epoch}.${timeline}.${removals}.p9${place.slice(1)}.d${id}`)).toBe('NP003')
    // After a promotion the cursor's own row shows that nothing before it was lost.
    expect(await sqlStateOf(`${epoch}.7.${removals}.${place}.d${id}`)).toBe('none')
    const lost = '01980000-0000-7000-8000-000000000000'
    expect(await sqlStateOf(`${epoch}.7.${removals}.${place}.d${lost}`)).toBe('NP003')
  })

  it('is refused if retention deleted what follows it, but not if what it deleted was read', async () => {
    const { delivery_id: kept } = await send('kept')
    await settle()
    const [first] = await page(null, 1)
    await news()
    const now = timeOfId(kept as string)
    expect(await deleteEntriesBefore(now)).toBeGreaterThan(0)
    expect(await sqlStateOf(first?.cursor as string)).toBe('NP004')
    expect(await sqlStateOf(cursor as string)).toBe('none')
    // Who begins now misses nothing that was there when he began.
    const fresh = await page(null, 1)
    expect(fresh.map(({ owner }) => owner)).toEqual(['kept'])
    expect(await sqlStateOf(fresh[0]?.cursor as string)).toBe('none')
  })

  it('is refused after the database was moved or copied, and a new epoch continues at higher positions', async () => {
    const old = cursor as string
    await db.query(`update change_feed set server = 'another'`)
    expect(await sqlStateOf(old)).toBe('NP005')
    await migrate(db.direct)
    expect(await sqlStateOf(old)).toBe('NP002')
    // As if the new server had used fewer transaction ids than the old one.
    await db.query(`update deliveries set change_position = change_position + 2000000`)
    await db.query(`update change_feed set server = 'another'`)
    await migrate(db.direct)
    await settle()
    const before = (await page(null)).map(({ owner }) => owner)
    cursor = null
    await news()
    await send('in the new epoch')
    expect(await news()).toEqual(['stored in the new epoch'])
    expect(before).toEqual(['kept'])
    const [{ offset } = { offset: '' }] = await db.query('select xid_offset as offset from change_feed')
    expect(Number(offset)).toBeGreaterThan(0)
  })
})

async function deleteEntriesBefore(time: number): Promise<number> {
  const client = new pg.Client({ connectionString: db.direct })
  await client.connect()
  const deleted = await deleteEntries(client, time, new AbortController().signal)
  await client.end()
  return deleted
}

it('deliveries of a version without the feed come first, in the order of their ids', async () => {
  for (const owner of ['old 1', 'old 2', 'old 3', 'new']) await send(owner)
  await settle()
  await db.query(`update deliveries set change_position = null where owner like 'old%'`)
  await db.query(
    `update change_feed set boundary = (select delivery_id from deliveries where owner like 'old%' order by 1 desc limit 1)`,
  )
  const owners: string[] = []
  let since: string | null = null
  for (let rows = await page(null, 2); rows.length > 0; rows = await page(since, 2)) {
    owners.push(...rows.map(({ owner }) => owner))
    since = rows.at(-1)?.cursor ?? since
  }
  expect(owners.slice(0, 3)).toEqual(['old 1', 'old 2', 'old 3'])
  expect(owners.at(-1)).toBe('new')
  cursor = since
})

it('the reader role may follow the feed, and nobody else may', async () => {
  await db.query('set role nightpost_reader')
  expect((await page(null)).length).toBeGreaterThan(0)
  expect(await db.query('select nightpost_changes_now() as cursor')).toEqual([{ cursor }])
  await db.query('create temp table deliveries (owner text)')
  expect((await page(null)).length).toBeGreaterThan(0)
  await db.query('reset role; drop table if exists pg_temp.deliveries')
  const [{ acl } = { acl: '' }] = await db.query(
    `select proacl::text as acl from pg_proc where proname = 'nightpost_changes'`,
  )
  expect(acl).not.toMatch(/[{,]=/)
})

it('a commit sends a hint', async () => {
  const listener = new pg.Client({ connectionString: db.direct })
  await listener.connect()
  await listener.query('listen nightpost_changes')
  const hint = once(listener, 'notification')
  await send('hinted')
  const [{ channel }] = await hint
  expect(channel).toBe('nightpost_changes')
  await listener.end()
  await news()
})

describe('nightpost changes', () => {
  const directory = mkdtempSync(join(tmpdir(), 'nightpost-changes-'))
  const file = join(directory, 'cursor')
  afterAll(() => rmSync(directory, { recursive: true }))

  function start(...words: string[]) {
    const child = spawn(process.execPath, [...built('cli/main'), 'changes', ...words], {
      ...{ cwd: directory, env: { PATH: process.env.PATH, DATABASE_URL: db.direct } },
    })
    const output = { lines: [] as Row[], errors: '' }
    let rest = ''
    child.stdout.on('data', (data) => {
      const lines = `${rest}${data}`.split('\n')
      rest = lines.pop() ?? ''
      output.lines.push(...lines.map((line) => JSON.parse(line)))
    })
    child.stderr.on('data', (data) => {
      guardLine(`${data}`)
      output.errors += data
    })
    return { child, output, end: once(child, 'close') }
  }
  const owners = ({ lines }: { lines: Row[] }) => lines.map(({ owner }) => owner)

  it('follows, resumes from its file, and ends with 0', async () => {
    const first = start('--since', 'now', '--follow', '--cursor-file', file)
    await expect.poll(() => existsSync(file)).toBe(true)
    await send('followed')
    await expect.poll(() => owners(first.output)).toEqual(['followed'])
    await expect.poll(() => readFileSync(file, 'utf8')).toBe(`${first.output.lines[0]?.cursor}\n`)
    first.child.kill('SIGTERM')
    expect(await first.end).toEqual([0, null])

    await send('missed 1')
    await send('missed 2')
    await settle()
    for (const expected of ['missed 1', 'missed 2']) {
      const next = start('--cursor-file', file, '--max-rows', '1')
      expect(await next.end).toEqual([0, null])
      expect(owners(next.output)).toEqual([expected])
    }
    const wrong = start('--since', 'nonsense')
    expect(await wrong.end).toEqual([1, null])
    expect(wrong.output.errors).toMatch(/^This text is no cursor .*NP001\)\nHint: /)
  }, 60_000)

  it('ends with 0 when nobody reads any more, and connects again when the server ends its connection', async () => {
    const { child, output, end } = start('--since', 'now', '--follow')
    const sessions = () =>
      db.query(
        `select pid from pg_stat_activity where datname = current_database() and application_name = 'nightpost changes'
           and query like 'select l.transactionid%'`,
      )
    await expect.poll(async () => (await sessions()).length).toBe(1)
    const [{ pid } = { pid: '' }] = await sessions()
    await db.query('select pg_terminate_backend($1::int)', [pid])
    await send('after the loss')
    await expect.poll(() => owners(output)).toEqual(['after the loss'])
    expect(output.errors).toMatch(/^The database does not answer .*Trying again\.\n$/)
    child.stdout.destroy()
    await send('unread')
    expect(await end).toEqual([0, null])
  }, 60_000)
})

it('the reader asks every second or after a hint, and leaves no listener behind', async () => {
  let asked = 0
  const query = async (text: string) => {
    if (text.includes('nightpost_changes(')) asked += 1
    return { rows: [] }
  }
  const client = Object.assign(new EventEmitter(), { query, end: async () => {} })
  const end = new AbortController()
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    const reading = follow({
      connect: async () => client as never,
      ...{ since: null, isEndless: true, take: async () => {}, warn: () => {}, signal: end.signal },
    })
    await vi.advanceTimersByTimeAsync(20_000)
    expect([asked, client.listenerCount('notification'), client.listenerCount('error')]).toEqual([21, 1, 0])
    client.emit('notification')
    await vi.advanceTimersByTimeAsync(0)
    expect(asked).toBe(22)
    end.abort()
    await reading
  } finally {
    vi.useRealTimers()
  }
})
