import type { Worker } from 'node:cluster'
import { collectDefaultMetrics, Registry } from 'prom-client'
import { faultsOfAll } from '../ops/metrics/all-workers.ts'
import { addUp, type MetricValues, metricsOf, type ProcessReport, remaining } from '../ops/metrics/totals.ts'
import type { FromSupervisor } from './messages.ts'

/** Milliseconds that a worker has for its report. One that is blocked counts with its last one. */
const REPORT_LIMIT = 2_000

/**
 * Adds up what the workers report. No counter becomes smaller when a worker ends: its last report stays in the sum. After
 * `kill -9` that is the one of the last question, so what it counted since then is missing.
 */
export class Reports {
  readonly #own = new Registry()
  readonly #latest = new Map<Worker, ProcessReport>()
  readonly #questions = new Map<number, { readonly worker: Worker; readonly answered: () => void }>()
  #ids = 0
  /** What remains of workers that ended. */
  readonly #past: Array<readonly MetricValues[]> = []
  #running: Promise<ProcessReport> | null = null
  deaths = 0

  constructor() {
    // The supervisor passes on connections, so its own CPU, memory and event loop count, too.
    collectDefaultMetrics({ register: this.#own })
  }

  /** The totals of `workers`; those in `leaving` count, but need not be ready. One run serves all who ask meanwhile. */
  total(workers: readonly Worker[], leaving: ReadonlySet<Worker>): Promise<ProcessReport> {
    this.#running ??= this.#total(workers, leaving).finally(() => {
      this.#running = null
    })
    return this.#running
  }

  take(worker: Worker, id: number, report: ProcessReport): void {
    this.#latest.set(worker, report)
    this.#questions.get(id)?.answered()
  }

  takeLast(worker: Worker, report: ProcessReport): void {
    this.#latest.set(worker, report)
  }

  /** The worker has ended, and no message of it is on its way. */
  forget(worker: Worker): void {
    const last = this.#latest.get(worker)
    this.#latest.delete(worker)
    if (last) this.#past.push(remaining(last.metrics))
    for (const question of this.#questions.values()) if (question.worker === worker) question.answered()
  }

  async #total(workers: readonly Worker[], leaving: ReadonlySet<Worker>): Promise<ProcessReport> {
    await Promise.all(workers.map((worker) => this.#ask(worker)))
    const own = [...(await metricsOf(this.#own)), deathsOf(this.deaths)]
    const ended = this.#past.length
    this.#past.splice(0, ended, await addUp(this.#past.slice(0, ended)))
    // Only now, and without a pause before the sum: a worker that ended meanwhile is in the past.
    const reports = [...this.#latest].map(([worker, report]) => ({
      isLeaving: leaving.has(worker),
      ...report,
    }))
    const staying = reports.filter(({ isLeaving }) => !isLeaving)
    const metrics = reports.map(({ isLeaving, metrics }) =>
      isLeaving && staying.length > 0 ? metrics.filter(({ name }) => name !== 'nightpost_ready') : metrics,
    )
    const steps = reports.flatMap(({ onlineSteps }) => onlineSteps)
    return {
      metrics: await addUp([own, ...this.#past, ...metrics]),
      faults: faultsOfAll(reports),
      onlineSteps: [...new Map(steps.map((step) => [step.name, step])).values()],
    }
  }

  #ask(worker: Worker): Promise<void> {
    const id = this.#ids++
    return new Promise((resolve) => {
      const answered = () => {
        clearTimeout(timer)
        this.#questions.delete(id)
        resolve()
      }
      const timer = setTimeout(answered, REPORT_LIMIT)
      this.#questions.set(id, { worker, answered })
      if (!tell(worker, { kind: 'report?', id })) answered()
    })
  }
}

const deathsOf = (value: number): MetricValues => ({
  name: 'nightpost_worker_deaths_total',
  help: 'Workers that ended without being asked to, and were started again',
  type: 'counter',
  aggregator: 'sum',
  values: [{ labels: {}, value }],
})

/** Returns false if the worker takes no message any more. That it ends is noticed elsewhere. */
export function tell(worker: Worker, message: FromSupervisor): boolean {
  if (!worker.isConnected()) return false
  worker.send(message, undefined, () => {})
  return true
}
