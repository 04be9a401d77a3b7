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
