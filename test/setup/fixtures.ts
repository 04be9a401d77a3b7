import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { getTableConfig } from 'drizzle-orm/pg-core'
import { vendors } from '../../src/vendors/index.ts'
import type { TestDatabase } from './database.ts'
import { type Answer, environment, type TestService } from './service.ts'

export interface Fixture {
  readonly vendor: string
  readonly name: string
  readonly body: Buffer
  /** The event's name for the header; undefined for Asleep, whose bodies contain it. */
  readonly eventType: string | undefined
}

const EVENT_TYPES: Record<string, string> = {
  score: 'ScoreCreatedIntegrationEvent',
  biomarker: 'BiomarkerCreatedIntegrationEvent',
  archetype: 'ArchetypeCreatedIntegrationEvent',
  'data-log': 'DataLogReceivedIntegrationEvent',
}

export const fixturesFolder = join(import.meta.dirname, '..', 'fixtures')

/** For each vendor, one body for each event and form of its body. */
export const fixtures: readonly Fixture[] = vendors.flatMap(({ name: vendor }) =>
  readdirSync(join(fixturesFolder, vendor))
    .filter((file) => file.endsWith('.json') && !file.endsWith('.rows.json'))
    .map((file) => file.slice(0, -'.json'.length))
    .map((name) => ({
      vendor,
      name,
      body: readFileSync(join(fixturesFolder, vendor, `${name}.json`)),
      eventType: Object.entries(EVENT_TYPES).find(([prefix]) => name.startsWith(prefix))?.[1],
    })),
)

/** Sends a fixture's body, or another body with the fixture's headers. */
export function send(
  service: TestService,
  { vendor, eventType, body: fixtureBody }: Fixture,
  body: Buffer = fixtureBody,
): Promise<Answer> {
  if (vendor === 'sahha') return service.sahha(body, eventType)
  if (vendor === 'asleep') {
    const { data, callback_data } = JSON.parse(fixtureBody.toString())
    return service.asleep(body, (data ?? callback_data).user_id)
  }
  // Any other vendor: the headers of its own example.
  const { headers = {} } =
    vendors
      .find(({ name }) => name === vendor)
      ?.example((setting) => [(environment as Record<string, string>)[setting] ?? '']) ?? {}
  return service.post(vendor, headers, body)
}

/** The tables that deliveries are normalised into. */
export const tables = vendors.flatMap(({ targets }) => targets.map(({ table }) => getTableConfig(table).name))

/** Every row of every normalised table. */
export async function allRows(db: TestDatabase): Promise<Record<string, unknown[]>> {
  const rows: Record<string, unknown[]> = {}
  for (const table of tables) rows[table] = await db.query(`select * from ${table} as t order by t`)
  return rows
}

/** Rows without what differs between two databases. */
export const bare = (all: Record<string, unknown[]>) =>
  Object.entries(all).map(([table, rows]) => [
    table,
    (rows as Array<Record<string, unknown>>)
      .map(({ delivery_id, received_at, has_moved, ...row }) => JSON.stringify(row))
      .sort(),
  ])
