import { vendors } from '../vendors/index.ts'
import type { Config } from './settings.ts'

interface Listening {
  readonly address: string
  readonly databaseUrl: string
  readonly embedded: boolean
  readonly generated: boolean
}

/**
 * The text that a development server prints when it listens: the URLs for the vendors' dashboards, and for each vendor
 * a curl command that stores a row.
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
    for (const vendor of vendors) {
      lines.push(
        '',
        `Try ${vendor.name}`,
        curl(`${address}/webhooks/${vendor.name}`, vendor.example(config.credentials)),
      )
    }
  }
  if (embedded) {
    lines.push('', 'See the rows  npm run sql -- "select * from biomarkers"', `SQL clients   ${databaseUrl}`)
  }
  return `${lines.join('\n')}\n\n`
}

function curl(url: string, { headers, body }: { headers: Record<string, string>; body: string }): string {
  const all = { 'content-type': 'application/json', ...headers }
  const options = Object.entries(all).map(([name, value]) => `-H '${name}: ${value}'`)
  return `  curl ${url} ${options.join(' ')} -d '${body}'`
}
