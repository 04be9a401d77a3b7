import type { Metrics } from './index.ts'

/** What the queue, the writers and the connection pool hold at the moment. */
export interface Load {
  readonly queue: Readonly<Record<'deliveries' | 'bytes' | 'rows', { now: number; most: number }>>
  readonly writers: { readonly busy: number; readonly all: number }
  readonly pool: { readonly idle: number; readonly busy: number; readonly waiting: number }
}

/** A step of an upgrade that is not finished. */
export interface PendingStep {
  readonly name: string
  /** What it waits for; null while it runs. */
  readonly waitsFor: string | null
}

/** What only the running process knows. */
export interface ProcessState {
  readonly load: () => Load
  /** `skew`: milliseconds by which this machine's clock is ahead of the database's. */
  readonly clock: { readonly skew: number }
  readonly onlineSteps: () => readonly PendingStep[]
  /** The state of the ledger, as it was found some minutes ago; null before it was read. */
  readonly ledger: () => LedgerState | null
  /** Whether each node of a distributed database is reached. */
  readonly nodes: () => ReadonlyMap<string, boolean>
}

/** What the ledger takes on disk, and how well it is prepared. */
export interface LedgerState {
  readonly sizes: Readonly<Record<'entries' | 'hot_bodies' | 'packed_bodies' | 'rows', number>>
  readonly daysAhead: number
  readonly oldestBodySeconds: number | null
}

/** What the last run of `nightpost reconcile` found at a vendor. */
export interface Reconciled {
  readonly vendor: string
  readonly outcome: string
  /** Milliseconds of Unix time. */
  readonly at: number
  readonly missing: number
  readonly differing: number
  readonly kept: number
  readonly pulled: number
  readonly failures: number
  readonly behind: number
  readonly suspectDays: number
}

/** Publishes what the last runs found, as it was read a minute ago. */
export function publishReconciled(metrics: Metrics, runs: () => readonly Reconciled[]): void {
  metrics.reconcileLastRun.read(() =>
    runs().map(({ vendor, at }) => ({ labels: { vendor }, value: at / 1000 })),
  )
  metrics.reconcileComplete.read(() =>
    runs().map(({ vendor, outcome }) => ({ labels: { vendor }, value: Number(outcome === 'complete') })),
  )
  metrics.reconcileRecords.read(function* () {
    for (const { vendor, missing, differing, kept, pulled, failures } of runs()) {
      const results = { missing, differing, kept, pulled, failed: failures }
      for (const [result, value] of Object.entries(results)) yield { labels: { vendor, result }, value }
    }
  })
  metrics.reconcileSuspect.read(function* () {
    for (const { vendor, behind, suspectDays } of runs()) {
      yield { labels: { vendor, kind: 'owners_behind' }, value: behind }
      yield { labels: { vendor, kind: 'days' }, value: suspectDays }
    }
  })
}

/** Publishes the state of the process, read at every scrape. */
export function publishProcessState(
  metrics: Metrics,
  { load, clock, onlineSteps, ledger, nodes }: ProcessState,
): void {
  metrics.queueDeliveries.read(() => load().queue.deliveries.now)
  metrics.queueBytes.read(() => load().queue.bytes.now)
  metrics.queueRows.read(() => load().queue.rows.now)
  metrics.queueLimitDeliveries.read(() => load().queue.deliveries.most)
  metrics.queueLimitBytes.read(() => load().queue.bytes.most)
  metrics.queueLimitRows.read(() => load().queue.rows.most)
  metrics.writers.read(() => load().writers.all)
  metrics.writersBusy.read(() => load().writers.busy)
  metrics.poolIdle.read(() => load().pool.idle)
  metrics.poolBusy.read(() => load().pool.busy)
  metrics.poolWaiting.read(() => load().pool.waiting)
  metrics.clockSkew.read(() => clock.skew / 1000)
  metrics.onlineStepsPending.read(() => onlineSteps().length)
  metrics.nodeUp.read(() => [...nodes()].map(([node, isUp]) => ({ labels: { node }, value: Number(isUp) })))
  metrics.ledgerBytes.read(function* () {
    for (const [kind, value] of Object.entries(ledger()?.sizes ?? {})) yield { labels: { kind }, value }
  })
  metrics.partitionsAhead.read(function* () {
    const state = ledger()
    if (state) yield { labels: {}, value: state.daysAhead }
  })
  metrics.oldestBody.read(function* () {
    const seconds = ledger()?.oldestBodySeconds
    if (typeof seconds === 'number') yield { labels: {}, value: seconds }
  })
}
