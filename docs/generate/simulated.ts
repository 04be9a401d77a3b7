import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { pino } from 'pino'
import { readConfig } from '../../src/config/index.ts'
import { startService } from '../../src/service.ts'
import { requestHeaders } from '../../src/tools/simulate/request-headers.ts'
import type { SimulatedDelivery } from '../../src/tools/simulate/simulated-delivery.ts'
import { simulateTraffic } from '../../src/tools/simulate/traffic.ts'

const credentials = { asleepKey: 'key', sahhaSecret: 'secret', sahhaKey: undefined }
const environment = { ASLEEP_API_KEYS: 'key', SAHHA_WEBHOOK_SECRETS: 'secret' }

/** Three users for four weeks, which include the autumn clock changes of Europe and of America. */
const options = {
  seed: 'cookbook',
  users: 3,
  nights: 28,
  until: '2025-11-09',
  duplicates: 0.02,
  invalid: 0.01,
  shuffle: false,
}

/** Windows of older nights are left out, because SESSION_COMPLETE has superseded them. */
const isWanted = ({ kind, sentAt }: SimulatedDelivery) =>
  kind !== 'INFERENCE_COMPLETE' || sentAt > Date.parse('2025-11-08T10:00:00Z')

/** The cookbook's traffic: for each user and vendor, a sequence of deliveries in the order of sending. */
export function cookbookTraffic(): SimulatedDelivery[][] {
  return simulateTraffic(options).map((sequence) => sequence.filter(isWanted))
}

/**
 * Sends the cookbook's traffic, or a part of it, to the service on an empty database. Then it sets every time of arrival to the simulated
 * time, so that every query has the same result in each run.
 */
export async function simulateInto(
  databaseUrl: string,
  client: pg.Client,
  traffic = cookbookTraffic(),
): Promise<void> {
  const { app } = await startService(readConfig(environment), databaseUrl, pino({ level: 'silent' }))
  const arrivals = new Map<string, { first: number; last: number }>()
  const post = async (delivery: SimulatedDelivery): Promise<void> => {
    const answer = await app.inject({
      method: 'POST',
      url: `/webhooks/${delivery.vendor}`,
      headers: requestHeaders(delivery, credentials),
      payload: delivery.body,
    })
    if (answer.statusCode === 503) {
      // The service sheds load on a busy machine. As a vendor would, send it again.
      await sleep(500)
      return post(delivery)
    }
    const { delivery_id: id } = answer.json()
    const { first, last } = arrivals.get(id) ?? { first: delivery.sentAt, last: delivery.sentAt }
    if (id)
      arrivals.set(id, { first: Math.min(first, delivery.sentAt), last: Math.max(last, delivery.sentAt) })
  }
  await Promise.all(
    traffic.map(async (deliveries) => {
      // Sahha's records carry their own order; of two results of Asleep's the later received stays.
      const atOnce = deliveries[0]?.vendor === 'sahha' ? 32 : 1
      for (let at = 0; at < deliveries.length; at += atOnce) {
        await Promise.all(deliveries.slice(at, at + atOnce).map(post))
      }
    }),
  )
  await app.close()
  await setArrivals(client, arrivals)
  await untilTold(client)
}

/** Waits until the change feed has everything: transactions of other databases of the server hold it up. */
async function untilTold(client: pg.Client): Promise<void> {
  const { rows } = await client.query('select pg_current_xact_id()::text as id')
  for (;;) {
    const { rows: now } = await client.query(
      'select pg_snapshot_xmin(pg_current_snapshot()) > $1::text::xid8 as done',
      [rows[0].id],
    )
    if (now[0].done) return
    await sleep(10)
  }
}

async function setArrivals(client: pg.Client, arrivals: Map<string, { first: number; last: number }>) {
  const times = [...arrivals.values()]
  await client.query(
    `create temp table arrivals as select * from unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[])
     as arrived (delivery_id, first, last)`,
    [
      [...arrivals.keys()],
      times.map(({ first }) => new Date(first).toISOString()),
      times.map(({ last }) => new Date(last).toISOString()),
    ],
  )
  await client.query(
    `update deliveries d set received_at = first, last_received_at = last from arrivals a
     where a.delivery_id = d.delivery_id`,
  )
  const { rows: tables } = await client.query(
    `select c.relname as name from pg_class c
     where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.relname <> 'deliveries' and exists (
       select from pg_attribute as a where a.attrelid = c.oid and a.attname = 'delivery_id'
     ) and exists (select from pg_attribute as a where a.attrelid = c.oid and a.attname = 'received_at')
       and c.relname <> 'unverified_deliveries'`,
  )
  for (const { name } of tables) {
    await client.query(
      `update ${name} t set received_at = first from arrivals a where a.delivery_id = t.delivery_id`,
    )
  }
}
