import { createGunzip } from 'node:zlib'
import { type Problem, ProblemError } from '../contract/problem.ts'
import type { Headers } from '../contract/vendor.ts'
import { badGzip, encodingOf, tooLargeUnpacked } from './content.ts'
import type { Body, Intake } from './intake.ts'

/**
 * What is unpacked of a sender that isn't proven, because it may have signed its body before packing it. Data logs
 * pack 10 to 30 times; a megabyte of them holds 2,500 samples.
 */
const STRANGERS = { bytes: 2 ** 20, ratio: 40, small: 64 * 2 ** 10 }

/** How many are unpacked at a time, each by another thread, and how many strangers may wait for their turn. */
const PROVEN_AT_A_TIME = 2
const STRANGERS_AT_A_TIME = 1
const STRANGERS_WAITING = 64

/** Unpacks bodies off the one thread, and counts what they become as bytes of those bodies. */
export class Unpacker {
  readonly #intake: Intake
  readonly #proven = new Turns(PROVEN_AT_A_TIME, Number.POSITIVE_INFINITY)
  readonly #strangers = new Turns(STRANGERS_AT_A_TIME, STRANGERS_WAITING)

  constructor(intake: Intake) {
    this.#intake = intake
  }

  /** Of a proven sender: as `contentOf`. Throws 503 where there is no memory for it. */
  async content(headers: Headers, bytes: Buffer, body: Body): Promise<Buffer | Problem> {
    const encoding = encodingOf(headers)
    if (encoding !== 'gzip') return encoding ?? bytes
    return this.#proven.take(() => unpack(bytes, this.#intake.limits.body, body))
  }

  /** Of a stranger: null where the bytes are not packed, or where more would have to be unpacked than a stranger may cost. */
  async ofStranger(headers: Headers, bytes: Buffer, body: Body): Promise<Buffer | null> {
    if (encodingOf(headers) !== 'gzip') return null
    const most = Math.min(STRANGERS.bytes, Math.max(STRANGERS.small, STRANGERS.ratio * bytes.length))
    if (bytes.length > most) return null
    if (this.#strangers.isFull) throw this.#intake.shortage('unpacking')
    const content = await this.#strangers.take(() => unpack(bytes, most, body))
    return Buffer.isBuffer(content) ? content : null
  }
}

function unpack(bytes: Buffer, most: number, body: Body): Promise<Buffer | Problem> {
  return new Promise((resolve, reject) => {
    const gunzip = createGunzip({ chunkSize: 64 * 2 ** 10 })
    const chunks: Buffer[] = []
    let length = 0
    gunzip.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length > most) {
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

/** So many at a time, the others in their order. */
class Turns {
  readonly #most: number
  readonly #mostWaiting: number
  #running = 0
  readonly #waiting: Array<() => void> = []

  constructor(most: number, mostWaiting: number) {
    this.#most = most
    this.#mostWaiting = mostWaiting
  }

  get isFull(): boolean {
    return this.#waiting.length >= this.#mostWaiting
  }

  async take<T>(work: () => Promise<T>): Promise<T> {
    // A turn is handed over, so that nobody comes in between.
    if (this.#running === this.#most) await new Promise<void>((go) => this.#waiting.push(go))
    else this.#running += 1
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#running -= 1
    }
  }
}
