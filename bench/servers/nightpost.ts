import { readConfig } from '../../src/config/index.ts'
import { listenConsole } from '../../src/console/listen.ts'
import { createLog } from '../../src/ops/log.ts'
import { startService } from '../../src/service.ts'
import { serve } from './server.ts'

const config = readConfig(process.env)
const service = await startService(config, config.DATABASE_URL as string, createLog(config.LOG_LEVEL))
if (service.console) await listenConsole(service.console, config)
await serve(service.app, () => service.store.written)
