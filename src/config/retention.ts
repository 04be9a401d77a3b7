import type { Config } from './settings.ts'

/** How long the ledger keeps what, in days; undefined: for ever. */
export function retentionOf(
  settings: Pick<Config, 'BODY_RETENTION_DAYS' | 'DELIVERY_RETENTION_DAYS' | 'WINDOW_RETENTION_DAYS'>,
) {
  return {
    bodies: settings.BODY_RETENTION_DAYS,
    deliveries: settings.DELIVERY_RETENTION_DAYS,
    windows: settings.WINDOW_RETENTION_DAYS,
  }
}

/** What is deleted after which time, for the line that the service logs at its start. */
export function retentionText(config: Parameters<typeof retentionOf>[0]): string {
  const { bodies, deliveries } = retentionOf(config)
  if (bodies === undefined && deliveries === undefined) return 'keeps all deliveries'
  const kept = [
    bodies === undefined ? null : `bodies ${bodies} days`,
    deliveries === undefined ? null : `deliveries ${deliveries} days`,
  ]
  return `keeps ${kept.filter((text) => text !== null).join(', ')}`
}
