import { afterEach, describe, expect, it } from 'vitest'
import { biomarker, inference, USER } from './setup/bodies.ts'
import { setup, signed, type TestService } from './setup/service.ts'

const running: TestService[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((service) => service.close()))
})

async function replica(asleep: string, sahha: string): Promise<TestService> {
  const service = await setup({ ASLEEP_API_KEYS: asleep, SAHHA_WEBHOOK_SECRETS: sahha })
  running.push(service)
  return service
}

let sent = 0

/** Whether each replica takes what the vendors send under one credential. */
async function taken(replicas: TestService[], key: string, secret: string): Promise<boolean> {
  const answers = replicas.flatMap((service) => {
    sent += 1
    const body = biomarker({ id: `rotation-${sent}`, category: 'c' })
    const headers = { 'x-api-key': key, 'x-user-id': USER }
    return [
      service.post('asleep', headers, inference({ session_id: `rotation-${sent}` })),
      service.post('sahha', signed(body, secret), body),
    ]
  })
  return (await Promise.all(answers)).every(({ status }) => status === 200)
}

describe('a credential is changed without a delivery lost', () => {
  it('when every replica knows the new one before the vendor does, and the old one until it is gone', async () => {
    const old = ['asleep-old-key', 'sahha-old-secret'] as const
    const fresh = ['asleep-new-key', 'sahha-new-secret'] as const
    const before = await replica(old[0], old[1])
    const both = await replica(`${old[0]},${fresh[0]}`, `${old[1]},${fresh[1]}`)

    // 1. Replicas with both take the place of those with the old one; the vendor still uses the old one.
    expect(await taken([before, both], ...old)).toBe(true)
    // 2. The vendor changes; for a while it uses both, whatever replica it reaches.
    const another = await replica(`${fresh[0]},${old[0]}`, `${fresh[1]},${old[1]}`)
    expect(await taken([both, another], ...old)).toBe(true)
    expect(await taken([both, another], ...fresh)).toBe(true)
    // 3. The old one goes.
    const after = await replica(fresh[0], fresh[1])
    expect(await taken([both, after], ...fresh)).toBe(true)
    expect(await taken([after], ...old)).toBe(false)
    // In another order the vendor would have been refused.
    expect(await taken([before], ...fresh)).toBe(false)
  })
})
