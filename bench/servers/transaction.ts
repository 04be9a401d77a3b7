// The baseline: a service written in the usual way. Fastify validates the headers, the vendor module judges the body,
// and Drizzle writes the ledger and the rows in one transaction per request. Tables, fsync and promises are the same.
import { createHash } from 'node:crypto'
import { Type } from '@sinclair/typebox'
import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { getTableConfig, type PgColumn, type PgTable } from 'drizzle-orm/pg-core'
import Fastify from 'fastify'
import pg from 'pg'
import { v7 as uuidv7 } from 'uuid'
import type { Event } from '../../src/contract/event.ts'
import type { JsonObject } from '../../src/contract/json.ts'
import { migrate } from '../../src/db/migrate/migrate.ts'
import { createLog } from '../../src/ops/log.ts'
import { deliveries } from '../../src/tables/deliveries.ts'
import { vendors } from '../../src/vendors/index.ts'
import { KEY } from '../request.ts'
import { serve } from './server.ts'

const url = process.env.DATABASE_URL as string
await migrate(url)
const db = drizzle(new pg.Pool({ connectionString: url, max: 20 }))

const app = Fastify({ loggerInstance: createLog('warn'), bodyLimit: 10 * 2 ** 20 })
app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) =>
  done(null, body),
)

for (const vendor of vendors) {
  const headers = Type.Object({ 'x-api-key': Type.Literal(KEY), 'x-user-id': Type.String() })
  app.post(`/webhooks/${vendor.name}`, { schema: { headers } }, async (request, reply) => {
    const bytes = request.body as Buffer
    const body = JSON.parse(bytes.toString()) as JsonObject
    const { event, owner, user } = vendor.identify(request.headers, body)
    if (user !== request.headers['x-user-id']) return reply.code(422).send({ error: 'user_mismatch' })
    const judgement = (event as Event).toRows(body)
    if ('issues' in judgement) return reply.code(422).send({ errors: judgement.issues })

    const id = uuidv7()
    const now = new Date().toISOString()
    const provenance = { delivery_id: id, received_at: now }
    await db.transaction(async (tx) => {
      const inserted = await tx
        .insert(deliveries)
        .values({
          owner: owner as string,
          vendor: vendor.name,
          body_digest: createHash('sha256').update(bytes).digest(),
          delivery_id: id,
          event: event?.name ?? null,
          user_id: user as string,
          authenticated_by: 'api_key',
          outcome: 'stored',
          body: bytes,
          headers: {} as never,
          received_at: now,
          last_received_at: now,
          times_received: 1,
          normaliser_version: 1,
        })
        .onConflictDoNothing()
        .returning({ id: deliveries.delivery_id })
      if (inserted.length === 0) return
      for (const { target, rows } of judgement.rows) {
        if (rows.length === 0) continue
        const values = rows.map((row) => ({ ...withParsedJson(row), ...provenance }))
        await tx.insert(target.table).values(values).onConflictDoUpdate(unlessOlder(target.table))
      }
    })
    return { outcome: 'stored', delivery_id: id }
  })
}

/** Drizzle serialises jsonb itself, so it needs the parsed value. */
function withParsedJson(row: object): object {
  if (!('additional_properties' in row) || row.additional_properties === null) return row
  return { ...row, additional_properties: JSON.parse(row.additional_properties as string) }
}

/** The conflict clause that replaces a row unless the new one was received earlier. */
function unlessOlder(table: PgTable) {
  const { columns, primaryKeys } = getTableConfig(table)
  const keys = primaryKeys[0]?.columns.map(({ name }) => name) ?? []
  const column = (name: string) => columns.find((column) => column.name === name) as PgColumn
  return {
    target: keys.map(column),
    set: Object.fromEntries(
      columns
        .filter(({ name }) => !keys.includes(name))
        .map(({ name }) => [name, sql`excluded.${sql.identifier(name)}`]),
    ),
    setWhere: sql`${column('received_at')} <= excluded.received_at`,
  }
}

await serve(app as never, () => ({ groups: 0, deliveries: 0 }))
