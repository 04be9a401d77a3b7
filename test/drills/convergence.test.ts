import { getTableName } from 'drizzle-orm'
import fc from 'fast-check'
import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ACTUAL_ROWS } from '../../chaos/audit.ts'
import { readConfig } from '../../src/config/index.ts'
import type { GroupCommit } from '../../src/db/commit/group-commit.ts'
import { defaultLimits } from '../../src/db/commit/limits.ts'
import { createPool } from '../../src/db/connect/pool.ts'
import { adaptingStore } from '../../src/db/write/adapting-writer.ts'
import { Clock } from '../../src/ingest/clock.ts'
import { newArrival } from '../../src/ingest/delivery.ts'
import { startService } from '../../src/service.ts'
import { vendors } from '../../src/vendors/index.ts'
import { createDatabase, type TestDatabase } from '../setup/database.ts'
import { type GeneratedDelivery, generatedDeliveries, toDelivery } from '../setup/generated-deliveries.ts'
import { guardedLog, guardRequest } from '../setup/log-guard.ts'
import { byArrival, expectedRows, type FirstArrival } from '../setup/row-model.ts'
import { ASLEEP_KEY, SAHHA_SECRET, signed } from '../setup/service.ts'

/** The final rows depend on the set of deliveries, not on the order or the place in which they are written. */

const RUNS = Number(process.env.CONVERGENCE_RUNS ?? 40)
const INSTANCES = 3

/** By how many milliseconds the clock of each service is off. */
const SKEWS = [0, 90_000, -600_000]

const targets = vendors.flatMap(({ targets }) => targets)
const tables = targets.map(({ table }) => getTableName(table))

let db: TestDatabase
let pools: pg.Pool[]
beforeAll(async () => {
  db = await createDatabase()
  pools = Array.from({ length: INSTANCES }, () => createPool(db.url, guardedLog))
})
afterAll(async () => {
  await Promise.all(pools.map((pool) => pool.end()))
  await db.drop()
})

/** Parts go before what owns them. */
const EMPTY = ['deliveries', ...tables]
  .reverse()
  .map((name) => `delete from ${name}`)
  .join(';')
const empty = () => db.query(EMPTY)

const winners = async () => (await db.query(ACTUAL_ROWS)).map(({ line }) => line as string).sort()

/** Every column of every row, and what the ledger says of the deliveries. */
async function allRows(): Promise<string[]> {
  const ledger = `select 'deliveries' as name, concat_ws(' ', encode(body_digest, 'hex'), delivery_id, outcome,
    received_at, last_received_at, times_received, user_id, problem) as line from deliveries`
  // has_moved says what the row replaced, so it depends on the order.
  const all = tables.map(
    (name) => `select '${name}' as name, (to_jsonb(t) - 'has_moved')::text as line from ${name} as t`,
  )
  const rows = await db.query(`${[ledger, ...all].join(' union all ')} order by 1, 2`)
  return rows.map(({ name, line }) => `${name} ${line}`)
}

/** Bytes count from their first arrival, if any of their arrivals was right. */
function firstArrival(all: readonly GeneratedDelivery[]): (sent: GeneratedDelivery) => FirstArrival | null {
  const sorted = [...all].sort(byArrival)
  return ({ text }) => {
    const copies = sorted.filter((other) => other.text === text)
    return copies.every(({ hasWrongUser }) => hasWrongUser) ? null : (copies[0] as GeneratedDelivery)
  }
}

/** When the ledger says that the bytes arrived: of bytes that come twice at once, either may be first. */
async function ledgerArrival(): Promise<(sent: GeneratedDelivery) => FirstArrival | null> {
  const rows = await db.query(
    `select convert_from(b.body, 'UTF8') as text, outcome, delivery_id, d.received_at
     from deliveries as d join delivery_bodies as b using (delivery_id)`,
  )
  const byText = new Map(rows.map((row) => [row.text, row]))
  return ({ text }) => {
    const row = byText.get(text)
    if (row?.outcome !== 'stored') return null
    return { id: row.delivery_id as string, receivedAt: row.received_at as string }
  }
}

/** The order that `positions` names; identical bytes keep their own, for their first arrival counts. */
function inOrder(all: readonly GeneratedDelivery[], which: number): GeneratedDelivery[] {
  const ordered = [...all].sort((a, b) => (a.positions[which] as number) - (b.positions[which] as number))
  const copies = new Map<string, GeneratedDelivery[]>()
  for (const sent of [...all].sort(byArrival)) copies.set(sent.text, [...(copies.get(sent.text) ?? []), sent])
  return ordered.map(({ text }) => copies.get(text)?.shift() as GeneratedDelivery)
}

/** Writes deliveries in the order given, as one process would, in groups of at most `groupDeliveries`. */
async function write(all: readonly GeneratedDelivery[], groupDeliveries: number): Promise<string[]> {
  await empty()
  const store = adaptingStore(pools[0] as pg.Pool, targets, {
    ...defaultLimits,
    writers: 1,
    groupDeliveries,
  })
  await Promise.all(all.map((sent) => store.commit(toDelivery(sent))))
  return allRows()
}

const size = fc.integer({ min: 1, max: 6 })

describe('the same deliveries give the same rows', { timeout: 120_000 }, () => {
  it('in every order, in groups of every size', async () => {
    await fc.assert(
      fc.asyncProperty(generatedDeliveries, size, size, async (all, first, second) => {
        const reference = await write([...all].sort(byArrival), 1)
        expect(await winners()).toEqual(expectedRows(all, firstArrival(all)))
        expect(await write(inOrder(all, 0), first)).toEqual(reference)
        expect(await write(inOrder(all, 1), second)).toEqual(reference)
      }),
      { numRuns: RUNS },
    )
  })

  it('through several instances at once', async () => {
    await fc.assert(
      fc.asyncProperty(generatedDeliveries, size, async (all, groupDeliveries) => {
        await empty()
        const stores = pools.map((pool) =>
          adaptingStore(pool, targets, { ...defaultLimits, groupDeliveries }),
        )
        // Each goes to the instance that its place names; every third to all of them.
        const receipts = inOrder(all, 0).flatMap((sent) => {
          const [at = 0] = sent.positions
          const takers = at % 3 === 0 ? stores : [stores[(at >> 2) % INSTANCES] as GroupCommit]
          return takers.map((store) => store.commit(toDelivery(sent)))
        })
        await Promise.all(receipts)
        expect(await winners()).toEqual(expectedRows(all, await ledgerArrival()))
      }),
      { numRuns: RUNS },
    )
  })

  it('over HTTP, through several services at once', async () => {
    const config = readConfig({ ASLEEP_API_KEYS: ASLEEP_KEY, SAHHA_WEBHOOK_SECRETS: SAHHA_SECRET })
    const clocks = SKEWS.map(
      (skew) => new Clock({ wall: () => Date.now() + skew, steady: () => performance.now() }),
    )
    const services = await Promise.all(
      clocks.map((clock) => startService(config, db.url, guardedLog, { clock })),
    )
    const post = async (sent: GeneratedDelivery, at: number) => {
      const { vendor, text, user, hasWrongUser } = sent
      const service = services[at % INSTANCES] as (typeof services)[number]
      if (sent.isPulled) {
        const { id, receivedAt } = newArrival(Buffer.from(text), clocks[at % INSTANCES])
        await service.store.commit(toDelivery({ ...sent, id, receivedAt }, false))
        return { statusCode: 200 }
      }
      const name = hasWrongUser ? 'somebody-else' : user
      const proof =
        vendor.name === 'sahha'
          ? { ...signed(text), 'x-external-id': name }
          : { 'x-api-key': ASLEEP_KEY, 'x-user-id': name }
      guardRequest(proof, Buffer.from(text))
      return service.app.inject({
        ...{ method: 'POST', url: `/webhooks/${vendor.name}`, payload: text },
        headers: { 'content-type': 'application/json', ...proof },
      })
    }
    await fc.assert(
      fc.asyncProperty(generatedDeliveries, async (all) => {
        await empty()
        const answers = await Promise.all(
          inOrder(all, 0).map(async (sent, at) => ({ sent, answer: await post(sent, at) })),
        )
        for (const { sent, answer } of answers) {
          if (!sent.hasWrongUser) expect(answer?.statusCode).toBe(200)
        }
        expect(await winners()).toEqual(expectedRows(all, await ledgerArrival()))
      }),
      { numRuns: Math.ceil(RUNS / 2) },
    )
    // One after the other, each to another service: then the order of arrival is the order in which they were sent.
    await fc.assert(
      fc.asyncProperty(generatedDeliveries, async (all) => {
        await empty()
        const order = inOrder(all, 0)
        for (const [at, sent] of order.entries()) await post(sent, at)
        const sentAs = order.map((sent, at) => {
          const receivedAt = `2025-06-01T00:00:00.${String(at).padStart(6, '0')}Z`
          return { ...sent, receivedAt }
        })
        const values = (lines: string[]) => lines.map((line) => line.slice(0, line.lastIndexOf(' ')))
        expect(values(await winners()).sort()).toEqual(
          values(expectedRows(sentAs, firstArrival(sentAs))).sort(),
        )
      }),
      { numRuns: Math.ceil(RUNS / 8) },
    )
    await Promise.all(services.map(({ app }) => app.close()))
  })
})
