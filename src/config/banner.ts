import { vendors } from '../vendors/index.ts'
import { tryLines } from './curl.ts'
import type { Config } from './settings.ts'

export interface Listening {
  readonly address: string
  readonly databaseUrl: string
  readonly embedded: boolean
  readonly generated: boolean
}

/**
 * The text that a development server prints when it listens: the URLs for the vendors' dashboards, and for each vendor
 * curl commands that store a row, one for each way to authenticate. It shows generated credentials, but not configured ones.
 */
export function banner(config: Config, { address, databaseUrl, embedded, generated }: Listening): string {
  const lines = ['', `Nightpost listens on ${address}`, '', 'Callback URLs']
  for (const vendor of vendors) {
    const names = Object.keys(vendor.credentials)
    const isOn = names.some((name) => config.credentials(name).length > 0)
    lines.push(
      `  ${vendor.name.padEnd(8)}${isOn ? `${address}/webhooks/${vendor.name}` : `off: set ${names.join(' or ')}`}`,
    )
  }
  if (generated) {
    lines.push('', 'Credentials, generated for development and kept in .data/credentials.json')
    for (const name of vendors.flatMap((vendor) => Object.keys(vendor.credentials))) {
      lines.push(`  ${name.padEnd(24)}${config.credentials(name).join(', ')}`)
    }
  }
  lines.push(...tryLines(config, address, generated))
  if (embedded) {
    lines.push('', 'See the rows  npm run sql -- "select * from biomarkers"', `SQL clients   ${databaseUrl}`)
  }
  return `${lines.join('\n')}\n\n`
}
