import type { Client } from './plan.ts'

/** What differs in one transaction from the settings of its connection; times in milliseconds. */
export interface TimeLimits {
  readonly lockTimeout?: number
  readonly statementTimeout?: number
  readonly readOnly?: boolean
}

/** Begins a transaction. Every transaction that Nightpost opens begins here, so that its settings have one place. */
export async function begin(client: Client, limits: TimeLimits = {}): Promise<void> {
  await client.query(['begin', ...settingsOf(limits)].join('; '))
}

function settingsOf({ lockTimeout, statementTimeout, readOnly }: TimeLimits): string[] {
  const settings: string[] = []
  if (readOnly) settings.push('set transaction read only')
  if (lockTimeout !== undefined) settings.push(`set local lock_timeout = ${lockTimeout}`)
  if (statementTimeout !== undefined) settings.push(`set local statement_timeout = ${statementTimeout}`)
  return settings
}
