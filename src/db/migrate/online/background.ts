import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import type { Logger } from 'pino'
import type { OnlineStep } from './step.ts'
import { type OnlineOptions, OnlineRunner, type Pending, pendingSteps } from './steps.ts'

/** Milliseconds between two looks at what is left, and after a failure. */
const PAUSE = 3_000
const AFTER_FAILURE = 60_000

/** A connection that keeps its session; null where a pooler in transaction mode is in the way. */
type Connect = () => Promise<pg.Client | null>

interface BackgroundOptions {
  readonly connect: Connect
  readonly pool: pg.Pool
  readonly log: Pick<Logger, 'info' | 'warn'>
  readonly options: Omit<OnlineOptions, 'log'>
}

/** The online steps beside a running service. */
export class OnlineSteps {
  readonly #connect: Connect
  readonly #pool: pg.Pool
  readonly #steps: readonly OnlineStep[]
  readonly #log: Pick<Logger, 'info' | 'warn'>
  readonly #runner: OnlineRunner
  readonly #end = new AbortController()
  #client: pg.Client | undefined
  #running: Promise<void> = Promise.resolve()
  /** What is left to do, as far as is known. */
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

  /** Postgres finishes by itself the statement that runs; what comes after it is left to the next start. */
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

  /** The steps can't be done from here: says so where any is left. */
  async #isDoneByOthers(): Promise<boolean | null> {
    const left = await pendingSteps(this.#pool, this.#steps)
    this.pending = left.map(({ name }) => ({
      name,
      waitsFor: 'a direct connection: set MIGRATE_DATABASE_URL',
    }))
    for (const { name, waitsFor } of this.pending)
      this.#log.warn({ step: name, waitsFor }, 'an online step waits')
    return left.length === 0 ? true : null
  }

  /** Whether all is done; null where it failed. */
  async #pass(): Promise<boolean | null> {
    try {
      this.#client = (await this.#connect()) ?? undefined
      if (!this.#client) return await this.#isDoneByOthers()
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
      this.#log.warn({ code, reason: message }, 'an online step failed; it is tried again')
      return null
    } finally {
      await this.#client?.end().catch(() => {})
      this.#client = undefined
    }
  }
}

/**
 * The online steps in the foreground: returns what is left once nothing goes on but waiting for replicas of version
 * 0.1.0 to be replaced, or once all is done.
 */
export async function runOnlineSteps(
  client: pg.ClientBase,
  options: OnlineOptions,
): Promise<readonly Pending[]> {
  const runner = new OnlineRunner(options)
  let said = ''
  for (;;) {
    const pending = await runner.pass(client)
    const waits = pending.map(({ name, waitsFor }) => `${name} waits for ${waitsFor}`)
    if (pending.every(({ waitsFor }) => waitsFor?.startsWith('version 0.1.0'))) return pending
    if (said === '' && waits[0]) options.log.info(waits[0])
    said = waits[0] ?? said
    await sleep(1_000)
  }
}
