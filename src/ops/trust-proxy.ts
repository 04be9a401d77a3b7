import type { FastifyServerOptions } from 'fastify'

/**
 * Fastify's `trustProxy` for a `TRUST_PROXY` setting: `true`, `false`, how many proxies stand in front, or
 * their addresses (CIDR, comma-separated).
 */
export function trustProxy(setting: string): NonNullable<FastifyServerOptions['trustProxy']> {
  if (setting === 'true' || setting === 'false') return setting === 'true'
  // Not as a number: Fastify would take that for none.
  if (/^\d+$/.test(setting)) return (_address: string, hop: number) => hop < Number(setting)
  return setting
}
