// What every vendor of the registry must do, whatever its events are. test/drills/new-vendor.test.ts runs this file and
// events.test.ts with a vendor that was just made.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readConfig } from '../src/config/index.ts'
import { replay } from '../src/replay/replay.ts'
import { vendors } from '../src/vendors/index.ts'
import { allRows } from './setup/fixtures.ts'
import { guardedLog } from './setup/log-guard.ts'
import { environment, setup, type TestService } from './setup/service.ts'

let service: TestService
beforeAll(async () => {
  service = await setup()
})
afterAll(() => service.close())

const credentials = (setting: string) => [(environment as Record<string, string>)[setting] ?? '']

describe.each(vendors)('$name', (vendor) => {
  const { headers, body } = vendor.example(credentials)
  const proofs = Object.keys(vendor.proofs)

  it('stores its example, and answers duplicate when the same bytes arrive again', async () => {
    expect(await service.post(vendor.name, headers, body)).toMatchObject({
      status: 200,
      json: { outcome: 'stored' },
    })
    const again = await service.post(vendor.name, headers, body)
    expect(again).toMatchObject({ status: 200, json: { outcome: 'duplicate' } })
  })

  it('refuses a request without a credential, and one with a wrong credential', async () => {
    const without = Object.fromEntries(Object.entries(headers).filter(([name]) => !proofs.includes(name)))
    expect((await service.post(vendor.name, without, body)).status).toBe(401)
    for (const name of proofs) {
      expect((await service.post(vendor.name, { ...without, [name]: 'wrong' }, body)).status).toBe(401)
    }
  })

  it('keeps a body that is not JSON as rejected', async () => {
    const proven = proofs.find((name) => vendor.proofs[name]?.kind === 'key')
    if (proven === undefined) return
    const { setting } = vendor.proofs[proven] as { setting: string }
    const answer = await service.post(
      vendor.name,
      { ...headers, [proven]: credentials(setting)[0] as string },
      'no JSON',
    )
    expect(answer).toMatchObject({ status: 400, json: { code: 'malformed_json' } })
    const [kept] = await service.db.query('select vendor, outcome from deliveries where delivery_id = $1', [
      answer.json.delivery_id,
    ])
    expect(kept).toEqual({ vendor: vendor.name, outcome: 'rejected' })
  })

  it('has no GET route without a handshake', async () => {
    const { statusCode } = await service.app.inject(`/webhooks/${vendor.name}`)
    expect(statusCode).toBe(vendor.handshake ? 401 : 405)
  })

  it('has an entry with an example in the OpenAPI document', async () => {
    const { paths } = (await service.app.inject('/openapi.json')).json()
    const content = paths[`/webhooks/${vendor.name}`].post.requestBody.content['application/json']
    expect(Object.keys(content.examples)).toHaveLength(vendor.events.length)
  })
})

it('the advice to delete a user keeps the id within the quotes of the shell', () => {
  const asleep = vendors.find(({ name }) => name === 'asleep')
  expect(asleep?.deletionAdvice?.({ owners: ["a'b"], users: [] })).toMatch(/ '[^']+\/users\/a%27b'$/)
})

it('replay --all changes no row of any vendor', async () => {
  const rows = await allRows(service.db)
  const report = await replay({
    ...{ databaseUrl: service.db.url, vendors, config: readConfig(environment), log: guardedLog },
    ...{ filter: {}, all: true, dryRun: false, signal: new AbortController().signal, progress: () => {} },
  })
  expect(report.changedRows).toBe(0)
  expect(await allRows(service.db)).toEqual(rows)
})
