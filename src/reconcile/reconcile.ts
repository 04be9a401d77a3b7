import type pg from 'pg'
import { v7 as uuidv7 } from 'uuid'
import {
  CallFailed,
  type Finding,
  type Person,
  type Pull,
  type PullContext,
  type PulledRecord,
  type PullSession,
  StopPull,
} from '../contract/pull.ts'
import type { Vendor } from '../contract/vendor.ts'
import type { Clock } from '../ingest/clock.ts'
import type { Store } from '../ingest/delivery.ts'
import type { CallLimits } from './limits.ts'
import { Reading } from './reading.ts'
import { type Storing, storeRecords } from './records.ts'
import { ReconcileReport } from './report.ts'
import { type CallResult, Requests, RunEnds } from './requests.ts'
import { beginRun, finishRun } from './runs.ts'

/** Records and bytes that are judged and committed together. */
const BATCH = { records: 200, bytes: 4 * 2 ** 20 }

export interface ReconcileOptions {
  readonly vendor: Vendor
  readonly pool: pg.Pool
  readonly store: Store
  /** The clock that stamps deliveries: the estimate of the database's. */
  readonly clock: Clock
  readonly setting: (name: string) => string
  readonly credentials: (name: string) => readonly string[]
  readonly period: { readonly from: number; readonly to: number }
  readonly only?: readonly string[]
  readonly onlyBehind?: boolean
  readonly isQuick?: boolean
  readonly isDryRun?: boolean
  readonly startedBy: 'command' | 'schedule'
  readonly limits: CallLimits
  /** Ends the run: nothing more is asked, and what was fetched is stored. */
  readonly signal: AbortSignal
  /** Also ends a request that is under way. */
  readonly kill?: AbortSignal
  readonly onCall?: (result: CallResult) => void
  readonly progress?: (done: number, total: number, what: string) => void
}

/** The names of the settings that a pull of the vendor needs, and that are not set. */
export function missingSettings(
  { pull }: Vendor,
  { setting, credentials }: Pick<ReconcileOptions, 'setting' | 'credentials'>,
): string[] {
  return (pull?.required ?? []).filter((name) => setting(name) === '' && credentials(name).length === 0)
}

/**
 * Asks the vendor's API for what should have come, compares it with the rows, and stores what is missing or differs, as
 * deliveries that were pulled. It may be interrupted and repeated at any time. Never throws because of the vendor.
 */
export async function reconcile(options: ReconcileOptions): Promise<ReconcileReport> {
  const { vendor, pool, clock, period, limits, isDryRun = false } = options
  const report = new ReconcileReport(vendor.name)
  const runId = uuidv7()
  const { startedBy, only = [], onlyBehind = false } = options
  const isOnlySome = only.length > 0 || onlyBehind
  if (!isDryRun) await beginRun(pool, { runId, vendor: vendor.name, startedBy, isOnlySome, period })
  const end = new AbortController()
  const signal = AbortSignal.any([options.signal, end.signal])
  const pulling = vendor as Storing['vendor']
  const requests = new Requests({
    url: options.setting(pulling.pull.url),
    pull: pulling.pull,
    ...{ limits, clock, signal },
    kill: options.kill ?? null,
    onCall: options.onCall ?? (() => {}),
  })
  const reading = new Reading(pool, vendor.name)
  const storing = { ...options, vendor: pulling, ...{ runId, reading, report, isDryRun, signal, clock } }
  try {
    await new Run(options, storing, contextOf(options, reading, requests, report), () => end.abort()).work()
  } catch (error) {
    if (!(error instanceof StopPull || error instanceof CallFailed || error instanceof RunEnds)) {
      report.end('failed', 'Nightpost failed.')
      throw error
    }
    report.end(error instanceof RunEnds ? 'incomplete' : 'failed', error.message)
  } finally {
    report.calls = requests.count
    if (report.failed > 0) report.end('incomplete', 'Some requests or records failed.')
    await requests.close()
    if (!isDryRun) await finishRun(pool, runId, report)
  }
  return report
}

function contextOf(
  options: ReconcileOptions,
  reading: Reading,
  requests: Requests,
  report: ReconcileReport,
): PullContext {
  const { setting, credentials, period, only, onlyBehind = false, isQuick = false } = options
  return {
    ...{ setting, credentials, period, onlyBehind, isQuick },
    only: only && only.length > 0 ? new Set(only) : null,
    now: () => options.clock.now(),
    request: (call) => requests.send(call),
    known: () => reading.known(),
    held: (target, owner, ids, columns) => reading.held(target, owner, ids, columns),
    lastPush: (owner) => reading.lastPush(owner),
    common: (targets, owner, column) => reading.common(targets, owner, column),
    note: (what, count) => report.note(what, count),
  }
}

/** One run: a few workers, each of which asks about one person at a time. */
class Run {
  readonly #options: ReconcileOptions
  readonly #storing: Storing
  readonly #session: PullSession
  readonly #pull: Pull
  readonly #end: () => void
  #done = 0
  #seen = 0

  constructor(options: ReconcileOptions, storing: Storing, context: PullContext, end: () => void) {
    this.#options = options
    this.#storing = storing
    this.#pull = storing.vendor.pull
    this.#session = this.#pull.open(context)
    this.#end = end
  }

  async work(): Promise<void> {
    const people = this.#session.people()[Symbol.asyncIterator]()
    // In the order in which they happened: the workers that end because of the first one throw later.
    const errors: unknown[] = []
    const worker = async () => {
      try {
        for (;;) {
          const { value: person, done } = await people.next()
          if (done || this.#storing.signal.aborted) return
          this.#seen += 1
          await this.#askAbout(person as Person)
        }
      } catch (error) {
        errors.push(error)
        this.#end()
      }
    }
    await Promise.all(Array.from({ length: this.#options.limits.concurrent }, () => worker()))
    const cause = errors.find((error) => !(error instanceof RunEnds)) ?? errors[0]
    if (cause) throw cause
    if (this.#options.signal.aborted) throw new RunEnds('The run was interrupted.')
  }

  async #askAbout(person: Person): Promise<void> {
    const { report, reading } = this.#storing
    if (await reading.isErased(person)) {
      report.note('erased')
      return
    }
    if (person.isBehind) report.behind.add(person.owner)
    const batch = new PersonBatch(this.#storing, person)
    try {
      for await (const finding of this.#session.findings(person)) await batch.add(finding)
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error
      report.fail(error.message)
    } finally {
      await batch.flush()
    }
    const { unpullable } = this.#pull
    if (unpullable)
      report.suspectDays += await reading.suspectDays(unpullable, person.owner, this.#options.period)
    report.people += 1
    this.#done += 1
    this.#options.progress?.(this.#done, this.#seen, 'people')
  }
}

/** Collects the records of a person until there are enough to be stored together. */
class PersonBatch {
  readonly #storing: Storing
  readonly #person: Person
  #records: PulledRecord[] = []
  #bytes = 0

  constructor(storing: Storing, person: Person) {
    this.#storing = storing
    this.#person = person
  }

  async add({ event, reason, get }: Finding): Promise<void> {
    const { report, isDryRun } = this.#storing
    if (isDryRun && reason) {
      report.find(this.#person.owner, event, reason)
      return
    }
    try {
      const record = await get()
      if (!record) return
      this.#records.push(record)
      this.#bytes += record.body.length
    } catch (error) {
      // The other records of the person may still come.
      if (!(error instanceof CallFailed)) throw error
      report.fail(error.message)
    }
    if (this.#records.length >= BATCH.records || this.#bytes >= BATCH.bytes) await this.flush()
  }

  async flush(): Promise<void> {
    const records = this.#records
    this.#records = []
    this.#bytes = 0
    if (records.length > 0) await storeRecords(this.#storing, this.#person, records)
  }
}
