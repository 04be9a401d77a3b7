import cluster, { type Worker } from 'node:cluster'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { FromSupervisor, FromWorker, Listening, Orders } from './messages.ts'
import { endOf, exitOf, fork } from './process.ts'
import { RateCounts } from './rate-counts.ts'
import { Reports, tell } from './reports.ts'

/** Milliseconds from the start of a worker until it listens. */
const START_LIMIT = 60_000

/** Milliseconds before a worker that died is started again: none after a long life, else doubled with every failure. */
const LONG_LIFE = 10_000
const FIRST_PAUSE = 1_000
const LONGEST_PAUSE = 30_000

export interface SupervisorOptions {
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>
  readonly workers: number
  /** Megabytes. */
  readonly heapOfEach: number
  readonly orders: Omit<Orders, 'worker' | 'workers'>
  /** Milliseconds for which a worker that is replaced goes on while it closes each connection with its next answer. */
  readonly rollDelay: number
}

/** Starts workers on one port, starts again those that die, replaces them one after the other, and ends them. */
export class Supervisor {
  readonly #options: SupervisorOptions
  readonly #reports = new Reports()
  readonly #rates = new RateCounts()
  /** By number: the worker that listens. */
  readonly #current = new Map<number, Worker>()
  readonly #all = new Set<Worker>()
  readonly #leaving = new Set<Worker>()
  readonly #starting = new Set<number>()
  readonly #onListening = new Map<Worker, (at: Listening) => void>()
  #rolling: Promise<void> | null = null
  #isRollWanted = false
  #isDraining = false
  #isEnding = false

  constructor(options: SupervisorOptions) {
    this.#options = options
    // In turn. If the kernel chose, it would give most connections to one worker, and vendors keep theirs open.
    cluster.schedulingPolicy = cluster.SCHED_RR
    cluster.setupPrimary({
      serialization: 'advanced',
      execArgv: [...process.execArgv, `--max-old-space-size=${options.heapOfEach}`],
    })
    process.once('exit', () => this.kill())
  }

  /**
   * Starts all workers. Returns where the first listens, or null if it can't: it has printed the reason. The others start
   * after it, so a reason that all have is printed once.
   */
  async begin(): Promise<Listening | null> {
    const first = await this.#start(1)
    if (!first) return null
    const others = Array.from({ length: this.#options.workers - 1 }, (_, at) => at + 2)
    await Promise.all(
      others.map(async (number) => {
        if (!(await this.#start(number))) void this.#startAgain(number, FIRST_PAUSE)
      }),
    )
    return first
  }

  /** Replaces all workers, one after the other. A worker that can't be replaced stays, and so do those after it. */
  roll(): Promise<void> {
    this.#isRollWanted = true
    this.#rolling ??= this.#rollAll().finally(() => {
      this.#rolling = null
    })
    return this.#rolling
  }

  /** All workers report from now on that they are not ready. */
  drain(): void {
    this.#isDraining = true
    for (const worker of this.#all) tell(worker, { kind: 'drain' })
  }

  /** Ends all workers. Returns false if one of them failed. */
  async end(): Promise<boolean> {
    this.#isEnding = true
    const codes = await Promise.all([...this.#all].map((worker) => endOf(worker)))
    return codes.every((code) => code === 0)
  }

  kill(): void {
    this.#isEnding = true
    for (const worker of this.#all) worker.process.kill('SIGKILL')
  }

  async #rollAll(): Promise<void> {
    const { log, workers } = this.#options
    while (this.#isRollWanted && !this.#isDraining) {
      this.#isRollWanted = false
      log.info({ workers }, 'replacing the workers')
      for (let number = 1; number <= workers && !this.#isDraining; number += 1) {
        if ((await this.#replace(number)) || this.#isDraining) continue
        log.error({ worker: number }, 'the worker could not be replaced, so it and those after it stay')
        break
      }
    }
  }

  /** Unless all are being replaced. */
  #replaceOne(number: number): void {
    this.#rolling ??= this.#replace(number)
      .then(() => {})
      .finally(() => {
        this.#rolling = null
      })
  }

  /** Starts a successor, and then ends the worker. Returns false if the successor does not listen. */
  async #replace(number: number): Promise<boolean> {
    const former = this.#current.get(number)
    if (!former) return true
    if (!(await this.#start(number))) return false
    if (this.#isDraining) return true
    this.#leaving.add(former)
    tell(former, { kind: 'drain' })
    await sleep(this.#options.rollDelay)
    await endOf(former)
    return true
  }

  /** Starts one worker. Returns where it listens, or null if it ended before, or if the system refused the process. */
  async #start(number: number): Promise<Listening | null> {
    const worker = fork(number, ({ code }) =>
      this.#options.log.error({ worker: number, code }, 'the process of the worker could not be started'),
    )
    if (!worker) return null
    const since = Date.now()
    this.#all.add(worker)
    worker.on('message', (message: FromWorker) => void this.#take(worker, number, message))
    worker.once('exit', (code, signal) => this.#onExit(worker, number, { code, signal, since }))
    // Not at its exit: its last messages may come after that.
    worker.once('disconnect', () => this.#reports.forget(worker))
    this.#starting.add(number)
    const limit = setTimeout(() => worker.process.kill('SIGKILL'), START_LIMIT)
    const listening = new Promise<Listening>((resolve) => this.#onListening.set(worker, resolve))
    const at = await Promise.race([listening, exitOf(worker).then(() => null)])
    clearTimeout(limit)
    this.#starting.delete(number)
    this.#onListening.delete(worker)
    if (at) {
      this.#current.set(number, worker)
      this.#options.log.info({ worker: number, worker_pid: worker.process.pid }, 'the worker listens')
    } else this.#all.delete(worker)
    return at
  }

  #onExit(worker: Worker, number: number, { code, signal, since }: Exit): void {
    this.#all.delete(worker)
    this.#leaving.delete(worker)
    // Not one that never listened, nor one that has a successor.
    if (this.#current.get(number) !== worker) return
    this.#current.delete(number)
    if (this.#isEnding) return
    this.#reports.deaths += 1
    this.#options.log.error(
      { worker: number, worker_pid: worker.process.pid, code, signal },
      'the worker died',
    )
    void this.#startAgain(number, Date.now() - since > LONG_LIFE ? 0 : FIRST_PAUSE)
  }

  async #startAgain(number: number, firstPause: number): Promise<void> {
    for (
      let pause = firstPause;
      !this.#isEnding;
      pause = Math.min(Math.max(FIRST_PAUSE, 2 * pause), LONGEST_PAUSE)
    ) {
      await sleep(pause, undefined, { ref: false })
      if (this.#isEnding || this.#current.has(number)) return
      if (this.#starting.has(number)) continue
      if (await this.#start(number)) return
      this.#options.log.error({ worker: number }, 'the worker could not be started and is tried again')
    }
  }

  /** The first message to a worker. One that came before the worker had loaded its code is lost. */
  #first(number: number): FromSupervisor {
    const { orders, workers } = this.#options
    if (this.#isEnding) return { kind: 'end' }
    return { kind: 'orders', orders: { ...orders, worker: number, workers } }
  }

  async #take(worker: Worker, number: number, message: FromWorker): Promise<void> {
    if (message.kind === 'loaded') tell(worker, this.#first(number))
    else if (message.kind === 'listening') {
      if (this.#isDraining) tell(worker, { kind: 'drain' })
      this.#onListening.get(worker)?.(message.at)
    } else if (message.kind === 'report') this.#reports.take(worker, message.id, message.report)
    else if (message.kind === 'last report') this.#reports.takeLast(worker, message.report)
    else if (message.kind === 'count')
      tell(worker, {
        kind: 'counted',
        id: message.id,
        counts: message.keys.map((key) => this.#rates.count(key)),
      })
    else if (message.kind === 'totals?') {
      const listening = new Set([...this.#current.values(), ...this.#leaving])
      const totals = await this.#reports.total([...listening], this.#leaving).catch(() => null)
      tell(worker, { kind: 'totals', id: message.id, totals })
    } else if (!this.#isDraining && this.#current.get(number) === worker) this.#replaceOne(number)
  }
}

interface Exit {
  readonly code: number | null
  readonly signal: string | null
  readonly since: number
}
