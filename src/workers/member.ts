import type { ProcessReport } from '../ops/metrics/totals.ts'
import type { CountForAll } from '../ops/rate-limits.ts'
import type { Counted, FromSupervisor, FromWorker, KeyToCount, Listening, Orders } from './messages.ts'

/** Milliseconds within which the supervisor answers. After that a request is answered without it. */
const ANSWER_LIMIT = 3_000

/** What the supervisor asks of a worker. */
export interface Duties {
  report(): Promise<ProcessReport>
  drain(): void
  end(): void
}

interface Waiting {
  readonly keys: KeyToCount
  readonly answer: (counted: Counted) => void
}

/** The worker's side of the channel to its supervisor. If the supervisor dies, Node ends the worker. */
export class Member {
  #duties: Duties | null = null
  #onOrders: (orders: Orders) => void = () => {}
  #questions = 0
  readonly #totals = new Map<number, (totals: ProcessReport | null) => void>()
  readonly #counting = new Map<number, readonly Waiting[]>()
  /** Keys that are counted with the next message: many requests of one moment share it. */
  #toCount: Waiting[] = []

  constructor() {
    process.on('message', (message: FromSupervisor) => void this.#take(message))
    // A signal to the whole group, from a terminal or from systemd, is the supervisor's to answer. SIGTERM to this process
    // alone asks for a successor.
    process.on('SIGTERM', () => send({ kind: 'asked to end' }))
    for (const signal of ['SIGINT', 'SIGHUP']) process.on(signal, () => {})
  }

  orders(): Promise<Orders> {
    return new Promise((resolve) => {
      this.#onOrders = resolve
      send({ kind: 'loaded' })
    })
  }

  /** Tells the supervisor where the worker listens, and from now on does what it asks. */
  begin(at: Listening, duties: Duties): void {
    this.#duties = duties
    send({ kind: 'listening', at })
  }

  /** Leaves the last counts with the supervisor. */
  async leave(): Promise<void> {
    if (this.#duties) await sent({ kind: 'last report', report: await this.#duties.report() })
  }

  /** The totals of all workers; null if the supervisor does not answer. */
  totals(): Promise<ProcessReport | null> {
    const id = this.#questions++
    return new Promise((resolve) => {
      const answer = (totals: ProcessReport | null) => {
        clearTimeout(timer)
        this.#totals.delete(id)
        resolve(totals)
      }
      const timer = setTimeout(answer, ANSWER_LIMIT, null).unref()
      this.#totals.set(id, answer)
      send({ kind: 'totals?', id })
    })
  }

  /** Counts a request together with those of the other workers. If the supervisor does not answer, it counts as the first. */
  readonly count: CountForAll = (key, window) =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, ANSWER_LIMIT, { current: 1, ttl: window }).unref()
      const answer = (counted: Counted) => {
        clearTimeout(timer)
        resolve(counted)
      }
      if (this.#toCount.length === 0) setImmediate(() => this.#sendCounts())
      this.#toCount.push({ keys: { key, window }, answer })
    })

  #sendCounts(): void {
    const id = this.#questions++
    const waiting = this.#toCount
    this.#toCount = []
    this.#counting.set(id, waiting)
    setTimeout(() => this.#counting.delete(id), ANSWER_LIMIT).unref()
    send({ kind: 'count', id, keys: waiting.map(({ keys }) => keys) })
  }

  async #take(message: FromSupervisor): Promise<void> {
    const duties = this.#duties
    if (message.kind === 'orders') this.#onOrders(message.orders)
    else if (message.kind === 'totals') this.#totals.get(message.id)?.(message.totals)
    else if (message.kind === 'counted') this.#answerCounts(message)
    else if (message.kind === 'drain') duties?.drain()
    else if (message.kind === 'end') duties ? duties.end() : process.exit(0)
    else if (message.kind === 'report?' && duties)
      send({ kind: 'report', id: message.id, report: await duties.report() })
  }

  #answerCounts({ id, counts }: { readonly id: number; readonly counts: readonly Counted[] }): void {
    for (const [at, { answer }] of (this.#counting.get(id) ?? []).entries()) answer(counts[at] as Counted)
    this.#counting.delete(id)
  }
}

/** A message that can't be sent has no reader any more: the supervisor is gone, and so is this process in a moment. */
function send(message: FromWorker): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => {})
}

const sent = (message: FromWorker) =>
  new Promise<void>((resolve) => {
    if (process.connected) process.send?.(message, undefined, undefined, () => resolve())
    else resolve()
  })
