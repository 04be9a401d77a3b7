import type { IncomingMessage } from 'node:http'
import { ProblemError } from '../contract/problem.ts'

export interface IntakeLimits {
  /** Maximum bytes of one body: `BODY_LIMIT_BYTES`. */
  readonly body: number
  /** Maximum bytes of all bodies of proven senders, from the socket to the answer: `MAX_IN_FLIGHT_BYTES`. */
  readonly proven: number
  /** Processes that divide the budget of senders that are not proven yet. */
  readonly workers?: number
}

/** Maximum bytes of all bodies of senders that are not proven yet. */
const UNPROVEN_BYTES = 32 * 2 ** 20

/** Which limit a request ran into; the label `reason` of `nightpost_shed_requests_total`. */
export type Shortage = 'bytes' | 'unproven' | 'unpacking'

/** Sent with every 503: seconds until the vendor should retry. */
export const RETRY_AFTER = { 'retry-after': '5' }

/**
 * Reads bodies within two memory budgets: one for proven senders, and a small one for all others. Bytes count from
 * their arrival until the body is released. A Content-Length alone counts nothing.
 */
export class Intake {
  readonly limits: IntakeLimits & { readonly unproven: number }
  readonly #onShortage: (reason: Shortage) => void
  readonly #unproven = new Set<Body>()
  readonly used = { proven: 0, unproven: 0 }

  constructor(limits: IntakeLimits, onShortage: (reason: Shortage) => void) {
    this.limits = { ...limits, unproven: Math.min(UNPROVEN_BYTES / (limits.workers ?? 1), limits.proven / 4) }
    this.#onShortage = onShortage
  }

  /** Returns the unread body of a request. Throws a 413 problem if its Content-Length exceeds the limit. */
  open(request: IncomingMessage): Body {
    if (Number(request.headers['content-length']) > this.limits.body) throw tooLarge()
    return new Body(this, request)
  }

  /** Counts bytes of a body. Throws a 503 problem if the budget is full, but always lets one body through. */
  reserve(body: Body, bytes: number): void {
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

  /** Stops counting a body. */
  release(body: Body): void {
    if (body.isProven) this.used.proven -= body.bytes
    else {
      this.used.unproven -= body.bytes
      this.#unproven.delete(body)
    }
    body.bytes = 0
  }

  /**
   * Refuses the incomplete bodies that cost most, in bytes times age, until 1/8 of the budget is free. So many slow
   * senders can't shut out one that sends its whole body at once.
   */
  #evict(newest: Body): void {
    const target = this.limits.unproven * FILLED_AFTER_EVICTION
    const now = performance.now()
    const incomplete = [...this.#unproven].filter((body) => body.isReading)
    const byCost = incomplete.map((body) => ({ body, cost: body.bytes * (now - body.since + MIN_AGE) }))
    byCost.sort((left, right) => right.cost - left.cost)
    for (const { body } of byCost) {
      if (this.used.unproven <= target) return
      if (body === newest && this.used.unproven === body.bytes) return
      body.evict(this.shortage('unproven'))
    }
  }

  /** Counts a refusal and returns its 503 problem. */
  shortage(reason: Shortage): ProblemError {
    this.#onShortage(reason)
    return new ProblemError(
      'unavailable',
      `Too much data is being received at this time (${reason}).`,
      RETRY_AFTER,
    )
  }
}

/** Some of the budget is freed in advance, because the search is slow with thousands of bodies. */
const FILLED_AFTER_EVICTION = 7 / 8

/** Milliseconds added to each age, so that bodies of nearly the same age are compared by size. */
const MIN_AGE = 100

/** One body, and the memory counted for it until it is released. */
export class Body {
  readonly #intake: Intake
  readonly #request: IncomingMessage
  #reject: ((error: Error) => void) | null = null
  /** Bytes counted so far. */
  bytes = 0
  isProven = false
  /** When reading began, in milliseconds of `performance.now`. */
  since = 0

  constructor(intake: Intake, request: IncomingMessage) {
    this.#intake = intake
    this.#request = request
  }

  get isReading(): boolean {
    return this.#reject !== null
  }

  /** Moves the bytes to the budget of proven senders. Throws a 503 problem if that is full. */
  prove(): void {
    const { bytes } = this
    this.#intake.release(this)
    this.isProven = true
    this.grow(bytes)
  }

  /** Counts more bytes. Throws a 503 problem if the budget is full. */
  grow(bytes: number): void {
    this.#intake.reserve(this, bytes)
  }

  /** Refuses the body while it is being read: `read` rejects with `reason`. */
  evict(reason: ProblemError): void {
    this.#reject?.(reason)
  }

  /** Stops counting the body's memory. May be called several times. */
  release(): void {
    this.#intake.release(this)
  }

  /** Reads the whole body. Rejects with a problem: 413, 503, or 400 if the connection ends too early. */
  read(): Promise<Buffer> {
    const request = this.#request
    const limit = this.#intake.limits.body
    return new Promise((resolve, reject) => {
      let buffer: Buffer = EMPTY
      let length = 0
      const stop = () => {
        this.#reject = null
        request.off('data', take).off('end', end).off('error', fail).off('close', fail)
      }
      const refuse = (error: unknown) => {
        stop()
        // The memory is freed here, because the answer may take a while.
        buffer = EMPTY
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
        // `grow` may have evicted this body.
        if (this.#reject === null) return
        buffer = length === 0 ? chunk : appended(buffer, length, chunk, announced)
        length += chunk.length
      }
      const end = () => {
        stop()
        resolve(buffer.length === length ? buffer : buffer.subarray(0, length))
      }
      const fail = () =>
        refuse(new ProblemError('bad_request', 'The connection ended before the end of the body.'))
      const announced = Number(request.headers['content-length'] ?? limit)
      this.since = performance.now()
      this.#reject = refuse
      request.on('data', take).on('end', end).on('error', fail).on('close', fail)
      if (request.destroyed) fail()
    })
  }
}

const EMPTY = Buffer.alloc(0)

/**
 * Appends a chunk to the first `length` bytes of `buffer`. The buffer's size doubles with the bytes that arrived, so that
 * a body of a million small chunks takes no more memory than one of a few, and a mere Content-Length takes none.
 */
function appended(buffer: Buffer, length: number, chunk: Buffer, announced: number): Buffer {
  const needed = length + chunk.length
  let target = buffer
  if (needed > buffer.length) {
    target = Buffer.allocUnsafeSlow(Math.max(needed, Math.min(announced, 2 * needed)))
    buffer.copy(target, 0, 0, length)
  }
  chunk.copy(target, length)
  return target
}

function tooLarge(): ProblemError {
  return new ProblemError('body_too_large', 'The body is larger than BODY_LIMIT_BYTES.')
}
