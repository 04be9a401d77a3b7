import { type Config, retentionText } from '../config/index.ts'
import { vendors } from '../vendors/index.ts'
import { addressOf } from './address.ts'

/** What the service runs with: the fields and the text of one log line. It has no credential. */
export function startSummary(config: Config, databaseUrl: string) {
  const { host, port, database: name } = addressOf(databaseUrl)
  const database = { host, port, name, schema: config.DATABASE_SCHEMA, embedded: !config.DATABASE_URL }
  const isOn = vendors
    .filter((vendor) => vendor.authenticator(config.credentials))
    .map((vendor) => vendor.name)
  const retention = retentionText(config)
  const where = `${host}:${port}/${name}, schema ${database.schema}${database.embedded ? ' (embedded)' : ''}`
  return {
    fields: { database, vendors: isOn, retention },
    text: `database ${where}; vendors ${isOn.join(', ') || 'none'}; ${retention}`,
  }
}
