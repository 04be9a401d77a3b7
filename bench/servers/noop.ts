// Measures the HTTP ceiling: Nightpost with a store that commits nothing.
import { buildApp } from '../../src/app.ts'
import { readConfig } from '../../src/config/index.ts'
import type { Store } from '../../src/ingest/delivery.ts'
import { createLog } from '../../src/ops/log.ts'
import { createMetrics } from '../../src/ops/metrics/index.ts'
import { Observer } from '../../src/ops/observe.ts'
import { vendors } from '../../src/vendors/index.ts'
import { serve } from './server.ts'

const store: Store = {
  commit: async ({ arrival }) => ({ outcome: 'stored', deliveryId: arrival.id, problem: null }),
}
const config = readConfig(process.env)
const readiness = async () => ({ database: null, schema: null, queue: null })
const metrics = createMetrics()
const observer = new Observer(metrics, vendors)
await serve(
  buildApp({ config, log: createLog(config.LOG_LEVEL), store, readiness, metrics, observer }),
  () => ({
    groups: 0,
    deliveries: 0,
  }),
)
