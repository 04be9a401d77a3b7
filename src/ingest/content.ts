import { constants, createGunzip, gunzipSync } from 'node:zlib'
import { type Problem, ProblemError, problem } from '../contract/problem.ts'
import { hex256 } from '../contract/secrets.ts'
import type { Authenticator, Headers, Vendor } from '../contract/vendor.ts'
import type { Body, Intake } from './intake.ts'

/**
 * Unpacks a body synchronously if its `Content-Encoding` is gzip. Returns a problem if it can't be unpacked or if the
 * unpacked body has more than `limit` bytes, so that a small request can't fill the memory.
 */
export function contentOf(headers: Headers, bytes: Buffer, limit: number): Buffer | Problem {
  const encoding = encodingOf(headers)
  if (encoding !== 'gzip') return encoding ?? bytes
  try {
    return gunzipSync(bytes, { maxOutputLength: limit })
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? tooLargeUnpacked() : badGzip()
  }
}

/**
 * What can be read of a body that `contentOf` can't unpack: the beginning of a gzip body that was cut off, or else the bytes as they
 * are, because the header may name an encoding that they do not have.
 */
export function readablePart(bytes: Buffer, limit: number): Buffer {
  try {
    return gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: limit })
  } catch {
    return bytes
  }
}

/** The encoding of a body: null if it isn't compressed, and a problem if Nightpost doesn't support the encoding. */
function encodingOf(headers: Headers): 'gzip' | null | Problem {
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? ''
  if (encoding === '' || encoding === 'identity') return null
  if (encoding === 'gzip' || encoding === 'x-gzip') return 'gzip'
  return problem('malformed_json', 'The Content-Encoding is neither gzip nor identity.')
}

const tooLargeUnpacked = () => problem('body_too_large', 'The unpacked body is larger than BODY_LIMIT_BYTES.')

const badGzip = () => problem('malformed_json', 'The body is not valid gzip.')

/**
 * Proves the sender of a stored body. Returns the name of the scheme, or null. The sender may have signed a gzip body
 * before or after compressing it, and a proxy may have compressed it, so both forms are checked. The body is unpacked
 * only if a header has the form of a signature.
 */
export function proveContent(
  vendor: Vendor,
  { authenticate }: Authenticator,
  headers: Headers,
  bytes: Buffer,
  limit: number,
): string | null {
  const scheme = authenticate(headers, bytes)
  if (scheme !== null || encodingOf(headers) !== 'gzip' || !hasSignature(vendor, headers)) return scheme
  const content = contentOf(headers, bytes, limit)
  return Buffer.isBuffer(content) ? authenticate(headers, content) : null
}

/** Whether a header has the form of a signature (HMAC-SHA256 in hex). */
export function hasSignature({ proofs }: Vendor, headers: Headers): boolean {
  return Object.entries(proofs).some(([name, { kind }]) => {
    const value = headers[name]
    return kind === 'signature' && typeof value === 'string' && hex256.test(value)
  })
}

/**
 * Limits for a sender that isn't proven yet. Its body is unpacked because it may have been signed before compression.
 * Data logs compress 10 to 30 times, and a megabyte of them has 2,500 samples. `bytes` is the maximum of unpacked bytes,
 * `ratio` that of unpacked to compressed bytes; the ratio doesn't apply up to `small` bytes.
 */
const UNPROVEN = { bytes: 2 ** 20, ratio: 40, small: 64 * 2 ** 10 }

/** How many bodies are unpacked concurrently on threads, and how many bodies of unproven senders may queue. */
const PROVEN_CONCURRENCY = 2
const UNPROVEN_CONCURRENCY = 1
const UNPROVEN_QUEUE = 64

/** Unpacks gzip bodies on other threads. The unpacked bytes count towards the body's memory budget. */
export class Unpacker {
  readonly #intake: Intake
  readonly #proven = new Semaphore(PROVEN_CONCURRENCY, Number.POSITIVE_INFINITY)
  readonly #unproven = new Semaphore(UNPROVEN_CONCURRENCY, UNPROVEN_QUEUE)

  constructor(intake: Intake) {
    this.#intake = intake
  }

  /** Unpacks the body of a proven sender, as `contentOf`. Throws a 503 problem if the memory budget is full. */
  async content(headers: Headers, bytes: Buffer, body: Body): Promise<Buffer | Problem> {
    const encoding = encodingOf(headers)
    if (encoding !== 'gzip') return encoding ?? bytes
    return this.#proven.run(() => unpack(bytes, this.#intake.limits.body, body))
  }

  /**
   * Unpacks the body of a sender that isn't proven. Returns null if it isn't valid gzip or exceeds the limits. Throws a
   * 503 problem if the queue is full.
   */
  async unprovenContent(headers: Headers, bytes: Buffer, body: Body): Promise<Buffer | null> {
    if (encodingOf(headers) !== 'gzip') return null
    const limit = Math.min(UNPROVEN.bytes, Math.max(UNPROVEN.small, UNPROVEN.ratio * bytes.length))
    if (bytes.length > limit) return null
    if (this.#unproven.isFull) throw this.#intake.shortage('unpacking')
    const content = await this.#unproven.run(() => unpack(bytes, limit, body))
    return Buffer.isBuffer(content) ? content : null
  }
}

/** Resolves with a problem if the bytes aren't valid gzip or unpack to more than `limit` bytes. */
function unpack(bytes: Buffer, limit: number, body: Body): Promise<Buffer | Problem> {
  return new Promise((resolve, reject) => {
    const gunzip = createGunzip({ chunkSize: 64 * 2 ** 10 })
    const chunks: Buffer[] = []
    let length = 0
    gunzip.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length > limit) {
        gunzip.destroy()
        return resolve(tooLargeUnpacked())
      }
      try {
        body.grow(chunk.length)
      } catch (error) {
        return gunzip.destroy(error as Error)
      }
      chunks.push(chunk)
    })
    gunzip.on('end', () => resolve(Buffer.concat(chunks, length)))
    gunzip.on('error', (error) => (error instanceof ProblemError ? reject(error) : resolve(badGzip())))
    gunzip.end(bytes)
  })
}

/** Runs at most `max` functions concurrently and queues the others in order. */
class Semaphore {
  readonly #max: number
  readonly #maxQueued: number
  #running = 0
  readonly #queue: Array<() => void> = []

  constructor(max: number, maxQueued: number) {
    this.#max = max
    this.#maxQueued = maxQueued
  }

  get isFull(): boolean {
    return this.#queue.length >= this.#maxQueued
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    // A finished function passes its slot to the next one, so that no later caller can take it.
    if (this.#running === this.#max) await new Promise<void>((resolve) => this.#queue.push(resolve))
    else this.#running += 1
    try {
      return await work()
    } finally {
      const next = this.#queue.shift()
      if (next) next()
      else this.#running -= 1
    }
  }
}
