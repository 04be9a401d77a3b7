import { once } from 'node:events'
import type { Faults } from '../tools/simulate/serve/faults.ts'
import { SIMULATED_ASLEEP_KEY, startVendors, type Vendors } from '../tools/simulate/serve/vendors.ts'
import type { TrafficOptions } from '../tools/simulate/traffic.ts'
import { outputWidth } from './output.ts'
import { fittingTable } from './table.ts'

export const DEFAULT_SERVE_PORT = 3003

/** The simulated pull APIs with Asleep's keys, or if there is none, with a key of their own. */
export function serveVendors(
  traffic: TrafficOptions,
  asleepKeys: readonly string[],
  port: number,
  faults: Faults = {},
): Promise<Vendors> {
  const keys = asleepKeys.length > 0 ? asleepKeys : [SIMULATED_ASLEEP_KEY]
  return startVendors({ ...traffic, port, asleepKeys: keys, faults })
}

/** The settings with which `nightpost reconcile` asks the simulated vendors. No configured key is among them. */
export function settingsOf(vendors: Vendors): Record<string, string> {
  const { asleepKey, sahhaClientId, sahhaClientSecret } = vendors.credentials
  return {
    ASLEEP_API_URL: vendors.asleepUrl,
    SAHHA_API_URL: vendors.sahhaUrl,
    SAHHA_CLIENT_ID: sahhaClientId,
    SAHHA_CLIENT_SECRET: sahhaClientSecret,
    ...(asleepKey === SIMULATED_ASLEEP_KEY && { ASLEEP_API_KEYS: asleepKey }),
  }
}

export function settingsText(vendors: Vendors): string {
  const settings = settingsOf(vendors)
  const key = settings.ASLEEP_API_KEYS ? '' : "\nAsleep's x-api-key is any of ASLEEP_API_KEYS.\n"
  const lines = Object.entries(settings).map(([name, value]) => `export ${name}=${value}\n`)
  return `The simulated vendors answer until this command is interrupted. To ask them, set:\n\n${lines.join('')}${key}\n`
}

/** Resolves when the process is interrupted. */
export async function interrupted(): Promise<void> {
  const waiting = new AbortController()
  const { signal } = waiting
  await Promise.race([once(process, 'SIGINT', { signal }), once(process, 'SIGTERM', { signal })])
  waiting.abort()
}

/** How many requests came, by route. */
export function callsText(vendors: Vendors): string {
  const rows = Object.entries(vendors.calls()).map(([route, calls]) => [route, `${calls}`])
  if (rows.length === 0) return 'Nobody asked the simulated vendors.\n'
  return `${fittingTable(['requests', 'count'], rows, outputWidth())}\n`
}
