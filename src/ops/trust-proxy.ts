import type { FastifyServerOptions } from 'fastify'

/**
 * Fastify's `trustProxy` for a `TRUST_PROXY` setting: `true`, `false`, the number of proxies, or their addresses
 * (CIDR, comma-separated).
 */
export function trustProxy(setting: string): NonNullable<FastifyServerOptions['trustProxy']> {
  if (setting === 'true' || setting === 'false') return setting === 'true'
  // As a function: Fastify trusts no proxy if it gets a number.
  if (/^\d+$/.test(setting)) return (_address: string, hop: number) => hop < Number(setting)
  return setting
}
