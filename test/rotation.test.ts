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

/** Whether each replica accepts deliveries of both vendors under one pair of credentials. */
async function accepted(replicas: TestService[], key: string, secret: string): Promise<boolean> {
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

describe('the rotation of a credential', () => {
  it('refuses no delivery if replicas accept both credentials while the vendor changes', async () => {
    const old = ['asleep-old-key', 'sahha-old-secret'] as const
    const fresh = ['asleep-new-key', 'sahha-new-secret'] as const
    const before = await replica(old[0], old[1])
    const both = await replica(`${old[0]},${fresh[0]}`, `${old[1]},${fresh[1]}`)

    // 1. Replicas with both credentials replace those with the old one. The vendor still uses the old one.
    expect(await accepted([before, both], ...old)).toBe(true)
    // 2. The vendor changes to the new one, and uses both for a while.
    const another = await replica(`${fresh[0]},${old[0]}`, `${fresh[1]},${old[1]}`)
    expect(await accepted([both, another], ...old)).toBe(true)
    expect(await accepted([both, another], ...fresh)).toBe(true)
    // 3. Replicas with only the new one replace those with both.
    const after = await replica(fresh[0], fresh[1])
    expect(await accepted([both, after], ...fresh)).toBe(true)
    expect(await accepted([after], ...old)).toBe(false)
    // A replica that still has only the old one refuses the new one: step 1 is needed.
    expect(await accepted([before], ...fresh)).toBe(false)
  })
})
