import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { getTableConfig } from 'drizzle-orm/pg-core'
import { from as copyFrom } from 'pg-copy-streams'
import { arrayLiteral } from '../src/db/sql/values.ts'
import { type Delivery, newArrival } from '../src/ingest/delivery.ts'
import { unpackAndJudge } from '../src/ingest/judge.ts'
import { deliveries } from '../src/tables/deliveries.ts'
import { vendors } from '../src/vendors/index.ts'
import type { BenchDatabase } from './database.ts'
import { prepareRequest } from './request.ts'
import type { Workload } from './workloads.ts'

/**
 * Measures the database ceiling: `COPY` of the rows of deliveries, with their ledger rows, into the same indexed
 * tables, without HTTP and without looking for existing rows. `rowsPerSecond` does not count the ledger's rows.
 */
export async function copyCeiling(workload: Workload, deliveryCount: number, database: BenchDatabase) {
  const linesOfTable = new Map<string, string[]>()
  /** Only those with values: the others get their defaults. Their order in the database is that of the migrations. */
  const columnsOf = new Map<string, string[]>()
  for (let number = 0; number < deliveryCount; number += 1) {
    for (const { table, row } of rowsOf(deliveryOf(workload, number))) {
      const name = getTableConfig(table).name
      const lines = linesOfTable.get(name) ?? []
      linesOfTable.set(name, lines)
      const columns = columnsOf.get(name) ?? Object.keys(row)
      columnsOf.set(name, columns)
      lines.push(`${columns.map((column) => copyText(row[column])).join('\t')}\n`)
    }
  }
  const started = performance.now()
  await database.client.query('begin')
  for (const [name, lines] of linesOfTable) {
    const copy = `copy ${name} (${columnsOf.get(name)?.join(', ')}) from stdin`
    await pipeline(Readable.from(chunks(lines)), database.client.query(copyFrom(copy)))
  }
  await database.client.query('commit')
  const seconds = (performance.now() - started) / 1000
  return {
    deliveriesPerSecond: deliveryCount / seconds,
    rowsPerSecond: (deliveryCount * workload.rows) / seconds,
  }
}

function deliveryOf(workload: Workload, number: number): Delivery {
  const vendor = vendors.find(({ name }) => name === workload.vendor)
  if (!vendor) throw new Error(`There is no vendor ${workload.vendor}`)
  const arrival = newArrival(prepareRequest(workload).body(number))
  const body = JSON.parse(arrival.body.toString())
  const headers = {
    'x-user-id': body.externalId ?? body.data.user_id,
    ...(workload.eventType && { 'x-event-type': workload.eventType }),
  }
  return {
    arrival,
    verdict: unpackAndJudge(vendor, 'api_key', headers, arrival.body, arrival.body.length),
    vendor: vendor.name,
    authenticatedBy: 'api_key',
    headers,
    normaliserVersion: 1,
  }
}

function* rowsOf({ arrival, verdict, vendor, headers }: Delivery) {
  const provenance = { delivery_id: arrival.id, received_at: arrival.receivedAt }
  const ledgerRow = {
    ...provenance,
    owner: verdict.owner,
    vendor,
    body_digest: Buffer.from(arrival.digest, 'hex'),
    event: verdict.event,
    user_id: verdict.userId,
    authenticated_by: 'api_key',
    outcome: verdict.outcome,
    body: arrival.body,
    headers: JSON.stringify(headers),
    last_received_at: arrival.receivedAt,
    times_received: 1,
    normaliser_version: 1,
  }
  yield { table: deliveries, row: ledgerRow as Record<string, unknown> }
  for (const { target, rows } of verdict.rows) {
    for (const row of rows)
      yield { table: target.table, row: { ...row, ...provenance } as Record<string, unknown> }
  }
}

/** A value in the text format of COPY. */
function copyText(value: unknown): string {
  if (value === null || value === undefined) return '\\N'
  if (Buffer.isBuffer(value)) return `\\\\x${value.toString('hex')}`
  const text = Array.isArray(value) ? arrayLiteral(value) : String(value)
  return text.replaceAll('\\', '\\\\').replaceAll('\t', '\\t').replaceAll('\n', '\\n')
}

function* chunks(lines: string[]) {
  for (let start = 0; start < lines.length; start += 500) yield lines.slice(start, start + 500).join('')
}
