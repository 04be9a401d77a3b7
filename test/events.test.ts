import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { vendors } from '../src/vendors/index.ts'
import { allRows, fixtures, fixturesFolder, send, tables } from './setup/fixtures.ts'
import { setup, type TestService } from './setup/service.ts'

let service: TestService
beforeAll(async () => {
  service = await setup()
})
afterAll(() => service.close())

describe.each(fixtures)('$vendor $name', (fixture) => {
  it('is stored as the rows that the fixture lists', async () => {
    const answer = await send(service, fixture)
    expect(answer).toMatchObject({ status: 200, json: { outcome: 'stored' } })
    const rows = await rowsOf(answer.json.delivery_id as string)
    await expect(
      JSON.stringify(rows, null, 2),
      'otherwise run: npx vitest run test/events.test.ts -u',
    ).toMatchFileSnapshot(join(fixturesFolder, fixture.vendor, `${fixture.name}.rows.json`))
  })

  it('sent again, also without its event type, is answered duplicate and changes no row', async () => {
    const before = await allRows(service.db)
    expect(await send(service, { ...fixture, eventType: undefined })).toMatchObject({
      status: 200,
      json: { outcome: 'duplicate' },
    })
    expect(await allRows(service.db)).toEqual(before)
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
    if (rows.length > 0) found[table] = rows.map(({ delivery_id, received_at, has_moved, ...row }) => row)
  }
  return found
}
