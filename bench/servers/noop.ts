// The HTTP ceiling: Nightpost with a store that commits nothing.
import { buildApp } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import type { Store } from '../../src/ingest/delivery.ts'
import { createLog } from '../../src/log.ts'
import { serve } from './server.ts'

const store: Store = {
  commit: async ({ arrival }) => ({ outcome: 'stored', deliveryId: arrival.id, problem: null }),
}
const config = readConfig(process.env)
await serve(
  buildApp({ config, log: createLog(config.LOG_LEVEL), store, readiness: async () => null }),
  () => ({
    groups: 0,
    deliveries: 0,
  }),
)
