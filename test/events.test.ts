import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { getTableConfig } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { vendors } from '../src/vendors/index.ts'
import { setup, type TestService } from './setup/service.ts'

const EVENT_TYPES: Record<string, string> = {
  score: 'ScoreCreatedIntegrationEvent',
  biomarker: 'BiomarkerCreatedIntegrationEvent',
  archetype: 'ArchetypeCreatedIntegrationEvent',
  'data-log': 'DataLogReceivedIntegrationEvent',
}

const folder = join(import.meta.dirname, 'fixtures')
const bodies = (vendor: string) =>
  readdirSync(join(folder, vendor))
    .filter((file) => file.endsWith('.json') && !file.endsWith('.rows.json'))
    .map((file) => ({
      vendor,
      name: file.slice(0, -'.json'.length),
      body: readFileSync(join(folder, vendor, file)),
    }))

const fixtures = vendors.flatMap(({ name }) => bodies(name))
const tables = vendors.flatMap(({ targets }) => targets.map(({ table }) => getTableConfig(table).name))

let service: TestService
beforeAll(async () => {
  service = await setup()
})
afterAll(() => service.close())

describe.each(fixtures)('$vendor $name', ({ vendor, name, body }) => {
  const parsed = JSON.parse(body.toString())
  const send = (eventType?: string) => {
    if (vendor === 'sahha') return service.sahha(body, eventType)
    return service.asleep(body, (parsed.data ?? parsed.callback_data).user_id)
  }
  const eventType = Object.entries(EVENT_TYPES).find(([prefix]) => name.startsWith(prefix))?.[1]

  it('is stored as the rows that the fixture lists', async () => {
    const answer = await send(eventType)
    expect(answer).toMatchObject({ status: 200, json: { outcome: 'stored' } })
    const rows = await rowsOf(answer.json.delivery_id as string)
    await expect(JSON.stringify(rows, null, 2)).toMatchFileSnapshot(join(folder, vendor, `${name}.rows.json`))
  })

  it('answers duplicate and changes no row when it comes again, whatever tells its event', async () => {
    const before = await everything()
    expect(await send(undefined)).toMatchObject({ status: 200, json: { outcome: 'duplicate' } })
    expect(await everything()).toEqual(before)
  })
})

it('has a fixture for every event of every vendor', async () => {
  const seen = await service.db.query(`select distinct event from deliveries where outcome = 'stored'`)
  const declared = new Set(vendors.flatMap(({ events }) => events.map(({ name }) => name)))
  expect(new Set(seen.map(({ event }) => event))).toEqual(declared)
})

async function rowsOf(deliveryId: string) {
  const found: Record<string, unknown[]> = {}
  for (const table of tables) {
    const rows = await service.db.query(`select * from ${table} as t where delivery_id = $1 order by t`, [
      deliveryId,
    ])
    if (rows.length > 0) found[table] = rows.map(({ delivery_id, received_at, ...row }) => row)
  }
  return found
}

async function everything() {
  const found: Record<string, unknown[]> = {}
  for (const table of tables) found[table] = await service.db.query(`select * from ${table} as t order by t`)
  return found
}
