import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import type { Logger } from 'pino'
import type { OnlineStep } from './step.ts'
import { type OnlineOptions, OnlineRunner, type Pending, pendingSteps } from './steps.ts'

/** Milliseconds between two passes, and after a failure. */
const PAUSE = 3_000
const AFTER_FAILURE = 60_000

/** Opens a connection that keeps its session. Returns null if a pooler in transaction mode is in between. */
type Connect = () => Promise<pg.Client | null>

interface BackgroundOptions {
  readonly connect: Connect
  readonly pool: pg.Pool
  readonly log: Pick<Logger, 'info' | 'warn'>
  readonly options: Omit<OnlineOptions, 'log'>
}

/** Executes the online steps while the service runs. */
export class OnlineSteps {
  readonly #connect: Connect
  readonly #pool: pg.Pool
  readonly #steps: readonly OnlineStep[]
  readonly #log: Pick<Logger, 'info' | 'warn'>
  readonly #runner: OnlineRunner
  readonly #end = new AbortController()
  #client: pg.Client | undefined
  #running: Promise<void> = Promise.resolve()
  /** The steps that the last pass left. */
  pending: readonly Pending[] = []

  constructor({ connect, pool, log, options }: BackgroundOptions) {
    this.#connect = connect
    this.#pool = pool
    this.#steps = options.steps
    this.#log = log
    this.#runner = new OnlineRunner({ ...options, log })
  }

  begin(): void {
    this.#running = this.#run()
  }

  /** Postgres completes the statement that is running. The next start continues after it. */
  async close(): Promise<void> {
    this.#end.abort()
    await this.#client?.end()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#end
    while (!signal.aborted) {
      const isDone = await this.#pass()
      if (isDone) return
      const pause = isDone === null ? AFTER_FAILURE : PAUSE
      await sleep(pause, undefined, { signal, ref: false }).catch(() => {})
    }
  }

  /** Without a direct connection this process can't execute steps. Logs those that are left. Returns true if none is. */
  async #reportPending(): Promise<boolean | null> {
    const left = await pendingSteps(this.#pool, this.#steps)
    this.pending = left.map(({ name }) => ({
      name,
      waitsFor: 'a direct connection: set MIGRATE_DATABASE_URL',
    }))
    for (const { name, waitsFor } of this.pending)
      this.#log.warn({ step: name, waitsFor }, 'an online step waits')
    return left.length === 0 ? true : null
  }

  /** Returns true if all steps are done, false if some are left, null if a step failed. */
  async #pass(): Promise<boolean | null> {
    try {
      this.#client = (await this.#connect()) ?? undefined
      if (!this.#client) return await this.#reportPending()
      if (this.#end.signal.aborted) return null
      const before = this.pending
      this.pending = await this.#runner.pass(this.#client)
      for (const { name, waitsFor } of this.pending) {
        if (!before.some((step) => step.name === name))
          this.#log.info({ step: name, waitsFor }, 'an online step waits')
      }
      return this.pending.length === 0
    } catch (error) {
      if (this.#end.signal.aborted) return null
      const { message, code } = error as NodeJS.ErrnoException
      this.#log.warn({ code, reason: message }, 'an online step failed and will be retried')
      return null
    } finally {
      await this.#client?.end().catch(() => {})
      this.#client = undefined
    }
  }
}

/**
 * Executes the online steps in the foreground. Returns when all are done, or when those that are left only wait until replicas
 * of version 0.1.0 are replaced. Returns the steps that are left.
 */
export async function runOnlineSteps(
  client: pg.ClientBase,
  options: OnlineOptions,
): Promise<readonly Pending[]> {
  const runner = new OnlineRunner(options)
  let logged = ''
  for (;;) {
    const pending = await runner.pass(client)
    const waits = pending.map(({ name, waitsFor }) => `${name} waits for ${waitsFor}`)
    if (pending.every(({ waitsFor }) => waitsFor?.startsWith('version 0.1.0'))) return pending
    if (logged === '' && waits[0]) options.log.info(waits[0])
    logged = waits[0] ?? logged
    await sleep(1_000)
  }
}
