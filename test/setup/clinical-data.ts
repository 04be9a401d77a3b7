import { requestHeaders } from '../../src/tools/simulate/request-headers.ts'
import { simulateTraffic } from '../../src/tools/simulate/traffic.ts'
import { fixtures, send } from './fixtures.ts'
import { ASLEEP_KEY, SAHHA_SECRET, type TestService } from './service.ts'

/** Stores the fixtures, and four simulated days of three users of both vendors. */
export async function sendClinicalData(service: TestService): Promise<void> {
  for (const fixture of fixtures) await send(service, fixture)
  const sequences = simulateTraffic({
    ...{ seed: 'clinical', users: 3, nights: 4, until: '2025-11-04' },
    ...{ duplicates: 0, invalid: 0, shuffle: false },
  })
  const credentials = { asleepKey: ASLEEP_KEY, sahhaSecret: SAHHA_SECRET, sahhaKey: undefined }
  await Promise.all(
    sequences.map(async (sequence) => {
      for (const delivery of sequence.filter(({ kind }) => kind !== 'INFERENCE_COMPLETE'))
        await service.post(delivery.vendor, requestHeaders(delivery, credentials), delivery.body)
    }),
  )
}
