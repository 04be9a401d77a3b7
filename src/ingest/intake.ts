import type { IncomingMessage } from 'node:http'
import { ProblemError } from '../contract/problem.ts'

export interface IntakeLimits {
  /** Of one body: `BODY_LIMIT_BYTES`. */
  readonly body: number
  /** Of all bodies of proven senders, from the socket to the answer: `MAX_IN_FLIGHT_BYTES`. */
  readonly proven: number
}

/** What the bodies of senders that are not proven yet may take together, at most. */
const UNPROVEN_BYTES = 32 * 2 ** 20

export type Shortage = 'bytes' | 'unproven' | 'unpacking'

export const RETRY_AFTER = { 'retry-after': '5' }

/**
 * Reads bodies within two budgets of memory: one for senders that are proven, and a small one for everybody else.
 * Bytes count from the moment at which they arrive, whatever was announced, until the body is released.
 */
export class Intake {
  readonly limits: IntakeLimits & { readonly unproven: number }
  readonly #onShortage: (reason: Shortage) => void
  readonly #unproven = new Set<Body>()
  readonly used = { proven: 0, unproven: 0 }

  constructor(limits: IntakeLimits, onShortage: (reason: Shortage) => void) {
    this.limits = { ...limits, unproven: Math.min(UNPROVEN_BYTES, limits.proven / 4) }
    this.#onShortage = onShortage
  }

  /** The body of a request, nothing of it read. Throws 413 where its length says that it is too large. */
  open(request: IncomingMessage): Body {
    if (Number(request.headers['content-length']) > this.limits.body) throw tooLarge()
    return new Body(this, request)
  }

  /** Counts bytes of a body, or throws 503. One body is always taken, however large it may be. */
  take(body: Body, bytes: number): void {
    const { used, limits } = this
    if (body.isProven) {
      if (used.proven > body.bytes && used.proven + bytes > limits.proven) throw this.shortage('bytes')
      used.proven += bytes
      body.bytes += bytes
    } else {
      this.#unproven.add(body)
      used.unproven += bytes
      body.bytes += bytes
      if (used.unproven > limits.unproven) this.#evict(body)
    }
  }

  give(body: Body): void {
    if (body.isProven) this.used.proven -= body.bytes
    else {
      this.used.unproven -= body.bytes
      this.#unproven.delete(body)
    }
    body.bytes = 0
  }

  /**
   * Gives up the incomplete bodies that cost most, in bytes times the time for which they have been held, so that
   * many senders that say little or nothing for long do not shut out one that sends all at once.
   */
  #evict(newest: Body): void {
    const room = this.limits.unproven * ROOM_AFTER_EVICTION
    const now = performance.now()
    const incomplete = [...this.#unproven].filter((body) => body.isReading)
    const byCost = incomplete.map((body) => ({ body, cost: body.bytes * (now - body.since + SHORTEST_HOLD) }))
    byCost.sort((left, right) => right.cost - left.cost)
    for (const { body } of byCost) {
      if (this.used.unproven <= room) return
      if (body === newest && this.used.unproven === body.bytes) return
      body.evict(this.shortage('unproven'))
    }
  }

  shortage(reason: Shortage): ProblemError {
    this.#onShortage(reason)
    return new ProblemError('unavailable', `Too much is being received (${reason}).`, RETRY_AFTER)
  }
}

/** Not again for the next chunk: the search takes a while where there are thousands. */
const ROOM_AFTER_EVICTION = 7 / 8

/** Bodies that arrived within so many milliseconds of each other are compared by their size alone, or nearly so. */
const SHORTEST_HOLD = 100

/** One body, and the memory that is counted for it until it is released. */
export class Body {
  readonly #intake: Intake
  readonly #request: IncomingMessage
  #reject: ((error: Error) => void) | null = null
  /** Counted for it so far. */
  bytes = 0
  isProven = false
  since = 0

  constructor(intake: Intake, request: IncomingMessage) {
    this.#intake = intake
    this.#request = request
  }

  get isReading(): boolean {
    return this.#reject !== null
  }

  /** The sender is proven: all that is counted moves to the budget of those. Throws 503 where that is full. */
  prove(): void {
    const { bytes } = this
    this.#intake.give(this)
    this.isProven = true
    this.grow(bytes)
  }

  /** Counts more memory, or throws 503. */
  grow(bytes: number): void {
    this.#intake.take(this, bytes)
  }

  evict(reason: ProblemError): void {
    this.#reject?.(reason)
  }

  /** Its memory no longer counts. */
  release(): void {
    this.#intake.give(this)
  }

  /** Every byte of it. Rejects with a problem: 413, 503, or 400 where its sender leaves before its end. */
  read(): Promise<Buffer> {
    const request = this.#request
    const limit = this.#intake.limits.body
    return new Promise((resolve, reject) => {
      let held: Buffer = NOTHING
      let length = 0
      const stop = () => {
        this.#reject = null
        request.off('data', take).off('end', end).off('error', fail).off('close', fail)
      }
      const refuse = (error: unknown) => {
        stop()
        // At once, not when the answer is out: what is not kept takes no memory.
        held = NOTHING
        this.release()
        reject(error)
      }
      const take = (chunk: Buffer) => {
        if (length + chunk.length > limit) return refuse(tooLarge())
        try {
          this.grow(chunk.length)
        } catch (error) {
          return refuse(error)
        }
        // It may just have been evicted.
        if (this.#reject === null) return
        held = length === 0 ? chunk : appended(held, length, chunk, announced)
        length += chunk.length
      }
      const end = () => {
        stop()
        resolve(held.length === length ? held : held.subarray(0, length))
      }
      const fail = () => refuse(new ProblemError('bad_request', 'The body did not arrive whole.'))
      const announced = Number(request.headers['content-length'] ?? limit)
      this.since = performance.now()
      this.#reject = refuse
      request.on('data', take).on('end', end).on('error', fail).on('close', fail)
      if (request.destroyed) fail()
    })
  }
}

const NOTHING = Buffer.alloc(0)

/**
 * `held`, whose first `length` bytes count, with another chunk at its end. Room grows with what has arrived, so that a
 * body of a million small chunks takes no more than one of a few, and one that only announces its size takes nothing.
 */
function appended(held: Buffer, length: number, chunk: Buffer, announced: number): Buffer {
  const needed = length + chunk.length
  let room = held
  if (needed > held.length) {
    room = Buffer.allocUnsafeSlow(Math.max(needed, Math.min(announced, 2 * needed)))
    held.copy(room, 0, 0, length)
  }
  chunk.copy(room, length)
  return room
}

function tooLarge(): ProblemError {
  return new ProblemError('body_too_large', 'The body is larger than BODY_LIMIT_BYTES.')
}
