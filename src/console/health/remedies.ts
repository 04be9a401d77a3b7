import type { FaultKind } from '../../status/faults.ts'

/** What mends a fault: what to do, and the command or the setting that does it. */
export interface Remedy {
  readonly text: string
  readonly command?: string
}

export const REMEDIES: Readonly<Record<FaultKind, Remedy>> = {
  'not ready': {
    text: 'If a migration is missing, run this. Otherwise check that Postgres at DATABASE_URL answers, and each node of a distributed one.',
    command: 'nightpost migrate',
  },
  'full queue': {
    text: 'Postgres commits more slowly than deliveries arrive. docs/operations.md, "The queue fills", says what to look at.',
  },
  'wrong clock': { text: 'Set the clocks of both machines by NTP.' },
  'later than now': { text: 'docs/operations.md, "Clocks", says how to correct the stamps.' },
  silence: {
    text: "Check the callback URL at the vendor, and that the proxy or the tunnel still leads here. What the vendor's own API has, and what never came:",
    command: 'nightpost reconcile asleep --dry-run',
  },
  refused: {
    text: 'Set the credential that the vendor uses, and start Nightpost again. The page Connect names the setting.',
  },
  quarantined: {
    text: 'Once the right credential is set, store what is authentic:',
    command: 'nightpost replay --outcome unverified',
  },
  rejected: {
    text: 'Open a rejected delivery to see which paths are wrong. After an update that accepts them:',
    command: 'nightpost replay',
  },
  'unfinished erasure': { text: 'Run the erasure again with the same options:', command: 'nightpost erase' },
}
