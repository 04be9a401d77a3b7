import pg from 'pg'
import { expect, it } from 'vitest'
import { resetSession } from '../../src/db/migrate/migrate.ts'
import { maintain } from '../../src/db/upkeep/maintain.ts'
import { idAtTime } from '../../src/db/uuid-time.ts'
import { biomarker } from '../setup/bodies.ts'
import { frozenDatabase, frozenStatements } from '../setup/frozen.ts'
import { serviceOn } from '../setup/service.ts'

const DAY = 86_400_000
const OLD = 900

/** The same statements, as if a replica of version 0.1.0 had stamped the deliveries some days ago. */
function stampedAgo(days: number) {
  const prefix = idAtTime(Date.now() - days * DAY).slice(0, 13)
  const isId = (value: unknown) => typeof value === 'string' && /^[0-9a-f]{8}-[0-9a-f]{4}-7/.test(value)
  const restamped = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(restamped)
    return isId(value) ? prefix + String(value).slice(13) : value
  }
  return frozenStatements('0.1.0').map((each) => ({ ...each, values: each.values.map(restamped) }))
}

it('packs the ledger of version 0.1.0 while deliveries arrive, and refuses, loses and changes none', async () => {
  const db = await frozenDatabase('0.1.0')
  await db.query(
    `insert into deliveries (owner, vendor, body_digest, delivery_id, event, user_id, authenticated_by, outcome, problem, body,
       headers, received_at, last_received_at, times_received, normaliser_version)
     select 'old-' || n % 7, 'sahha', sha256(body), id, 'BiomarkerCreatedIntegrationEvent', null, 'signature',
       case when n % 50 = 0 then 'rejected' else 'stored' end, null, body, '{}', now(), now(), 1, 1
     from (
       select n, convert_to(format('{"n":%s,"text":"%s"}', n, repeat('x', n % 300)), 'UTF8') as body,
         overlay(($1::text[])[1 + n % 3] placing lpad(to_hex(n), 4, '0') from 33)::uuid as id
       from generate_series(1, ${OLD}) as n
     ) as generated`,
    [[9, 5, 4].map((days) => idAtTime(Date.now() - days * DAY))],
  )
  const entries = () =>
    db.query(
      `select delivery_id, d.owner, encode(d.body_digest, 'hex') as digest, outcome, encode(sha256(b.body), 'hex') as found
       from deliveries as d left join delivery_bodies as b using (delivery_id) order by delivery_id`,
    )
  const service = await serviceOn(db, { MAINTENANCE: 'off' })
  const before = await entries()
  expect(before.length).toBeGreaterThan(OLD)

  const client = new pg.Client(db.direct)
  await client.connect()
  await resetSession(client, 'public')
  await client.query(`set lock_timeout = '1s'`)
  const limits = {
    chunkBytes: 100_000,
    chunkDeliveries: 150,
    bytes: 40_000,
    deliveries: 60,
    changedEntries: 60,
  }
  let packed: Awaited<ReturnType<typeof maintain>> | undefined
  const converting = maintain(client, { schema: 'public', targets: [], retention: {}, limits }).then(
    (done) => {
      packed = done
    },
  )
  const answers: (string | undefined)[] = []
  for (let n = 0; packed === undefined || n < 20; n += 4) {
    const sent = [n, n + 1, n + 2, n + 3].map((id) =>
      service.sahha(biomarker({ id: `${id}`, profileId: `old-${id % 7}`, category: 'c' })),
    )
    answers.push(...(await Promise.all(sent)).map(({ json }) => json.outcome))
  }
  await converting
  expect(new Set(answers)).toEqual(new Set(['stored']))
  expect(packed?.bodiesPacked).toBeGreaterThanOrEqual(OLD - OLD / 50)

  const converted = await entries()
  expect(converted.filter(({ digest, found }) => digest !== found)).toEqual([])
  const ids = new Set(converted.map(({ delivery_id }) => delivery_id))
  expect(before.filter(({ delivery_id }) => !ids.has(delivery_id))).toEqual([])
  expect(converted).toHaveLength(before.length + answers.length)

  // A replica of 0.1.0 still runs, and its clock is behind what is packed.
  await db.query(
    `delete from deliveries where owner not like 'old-%'; delete from data_logs; delete from scores; delete from sleep_sessions`,
  )
  for (const statement of stampedAgo(6)) await client.query(statement)
  const again = await maintain(client, { schema: 'public', targets: [], retention: {} })
  expect(again).toMatchObject({ bodiesPacked: 0, partitionsDropped: [] })
  const former = (await entries()).filter(({ owner }) => !owner?.startsWith('old-'))
  expect(former.length).toBeGreaterThan(5)
  expect(former.filter(({ digest, found }) => digest !== found)).toEqual([])

  const inline = await db.query(
    `select outcome, count(*) from deliveries where owner like 'old-%' and body is not null group by 1`,
  )
  expect(inline).toEqual([{ outcome: 'rejected', count: `${OLD / 50}` }])
  await client.end()
  await service.close()
})
