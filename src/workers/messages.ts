import type { ProcessReport } from '../ops/metrics/totals.ts'

/** What a worker must know beside its environment. */
export interface Orders {
  /** The number of the worker, from 1. Its successor gets the same. */
  readonly worker: number
  readonly workers: number
  /** Where the database is: the embedded one is started by the supervisor. */
  readonly databaseUrl: string
  /** One key for all, so that a user has one hash in the log. */
  readonly logIdKey: string
  readonly consoleToken: string | undefined
}

/** Where a worker listens. */
export interface Listening {
  readonly address: string
  /** Where its console listens; null if it has none. */
  readonly console: string | null
}

/** How often a key was counted in its window, and the milliseconds that are left of it. */
export interface Counted {
  readonly current: number
  readonly ttl: number
}

export interface KeyToCount {
  readonly key: string
  /** Milliseconds. */
  readonly window: number
}

export type FromWorker =
  /** The worker has loaded its code, and waits for its orders. */
  | { readonly kind: 'loaded' }
  | { readonly kind: 'listening'; readonly at: Listening }
  | { readonly kind: 'report'; readonly id: number; readonly report: ProcessReport }
  /** The last report, before the process ends. */
  | { readonly kind: 'last report'; readonly report: ProcessReport }
  /** Asks for the totals of all workers. */
  | { readonly kind: 'totals?'; readonly id: number }
  /** Asks to count requests for the rate limits. */
  | { readonly kind: 'count'; readonly id: number; readonly keys: readonly KeyToCount[] }
  /** The worker got SIGTERM, and asks for a successor. */
  | { readonly kind: 'asked to end' }

export type FromSupervisor =
  | { readonly kind: 'orders'; readonly orders: Orders }
  | { readonly kind: 'report?'; readonly id: number }
  /** null: they are not known. */
  | { readonly kind: 'totals'; readonly id: number; readonly totals: ProcessReport | null }
  | { readonly kind: 'counted'; readonly id: number; readonly counts: readonly Counted[] }
  /** Report that the worker is not ready, and close each connection with its next answer. */
  | { readonly kind: 'drain' }
  /** Answer what was taken, and end. */
  | { readonly kind: 'end' }
