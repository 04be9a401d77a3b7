import { Command } from 'commander'
import { pino } from 'pino'
import { buildApp } from '../app.ts'
import { credentialNames, readConfig } from '../config/index.ts'
import { Unavailable } from '../ingest/delivery.ts'
import { createMetrics } from '../ops/metrics/index.ts'
import { Observer } from '../ops/observe.ts'
import { vendors } from '../vendors/index.ts'

export const openapiCommand = new Command('openapi')
  .description('Print the OpenAPI 3.1 document, with the routes of all vendors.')
  .option('--json', 'the document is JSON with and without this option')
  .addHelpText('after', '\nExamples:\n  nightpost openapi > openapi.json\n  nightpost openapi | jq .paths\n')
  .action(async () => {
    process.stdout.write(await openapiDocument())
  })

/** The answer of GET /openapi.json if a credential is configured for every vendor. */
export async function openapiDocument(): Promise<string> {
  const metrics = createMetrics()
  const app = buildApp({
    config: readConfig(Object.fromEntries(credentialNames.map((name) => [name, 'any']))),
    log: pino({ level: 'silent' }),
    store: { commit: () => Promise.reject(new Unavailable('There is no database.')) },
    readiness: async () => ({ database: null, schema: null, queue: null }),
    metrics,
    observer: new Observer(metrics, vendors),
  })
  const { body } = await app.inject('/openapi.json')
  await app.close()
  return `${JSON.stringify(JSON.parse(body), null, 2)}\n`
}
