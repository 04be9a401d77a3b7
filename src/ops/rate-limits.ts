import { hash } from 'node:crypto'
import rateLimit, { type CreateRateLimitOptions, type FastifyRateLimitStoreCtor } from '@fastify/rate-limit'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { ProblemError } from '../contract/problem.ts'
import type { Vendor } from '../contract/vendor.ts'
import type { Admit } from '../ingest/receive.ts'

export interface RateLimits {
  /** Requests per minute of one address; 0: no limit. */
  readonly perAddress: number
  /** Authentic deliveries per minute of one credential; 0: no limit. */
  readonly perCredential: number
}

const MINUTE = 60_000

/** Addresses and credentials that are counted at a time. The least recently used is dropped for a new one. */
export const CACHE = 5000

/** How often a key was counted in its window, this time too, and the milliseconds that are left of the window. */
export type CountForAll = (key: string, window: number) => Promise<{ current: number; ttl: number }>

/**
 * Limits the requests to the routes that are declared on `scope` later. Each process counts for itself, unless several
 * workers count together with `countForAll`.
 */
export async function limitRates(
  scope: FastifyInstance,
  { perAddress, perCredential }: RateLimits,
  countForAll: CountForAll | null = null,
): Promise<void> {
  if (perAddress + perCredential === 0) return
  const store = countForAll && { store: storeOf(countForAll) as FastifyRateLimitStoreCtor }
  await scope.register(rateLimit, { global: false, cache: CACHE, ...store })
  if (perAddress === 0) return
  const check = scope.createRateLimit({
    max: perAddress,
    timeWindow: MINUTE,
    keyGenerator: ({ ip }) => `a ${ip}`,
  })
  scope.addHook('onRequest', async (request) => refuseExcess(check, request))
}

/**
 * Limits the authentic deliveries of a vendor; null without a limit. Other requests are not counted, because anybody
 * could use up a vendor's limit. Each key has its own limit. All signatures share one, because a signature does not
 * say which secret made it.
 */
export function admitter(
  scope: FastifyInstance,
  vendor: Vendor,
  { perCredential }: RateLimits,
): Admit | null {
  if (perCredential === 0) return null
  const keys = Object.entries(vendor.proofs).flatMap(([name, { kind }]) => (kind === 'key' ? [name] : []))
  const keyGenerator = ({ headers }: FastifyRequest) =>
    `c ${vendor.name} ${hash('sha256', keys.map((name) => headers[name]).join(), 'hex')}`
  const options: CreateRateLimitOptions = { max: perCredential, timeWindow: MINUTE, keyGenerator }
  const check = scope.createRateLimit(options)
  return (request) => refuseExcess(check, request)
}

/** A store of the rate limits that counts by this function. The keys of all limits differ, so they need no store of their own. */
function storeOf(count: CountForAll) {
  return class Shared {
    incr(
      key: string,
      callback: (error: Error | null, result?: { current: number; ttl: number }) => void,
      window: number,
    ): void {
      count(key, window).then((counted) => callback(null, counted), callback)
    }

    child(): Shared {
      return this
    }
  }
}

async function refuseExcess(
  check: ReturnType<FastifyInstance['createRateLimit']>,
  request: FastifyRequest,
): Promise<void> {
  const limit = await check(request)
  if (limit.isAllowed || !limit.isExceeded) return
  const headers = { 'retry-after': String(limit.ttlInSeconds) }
  throw new ProblemError(
    'too_many_requests',
    `At most ${limit.max} requests per minute are allowed.`,
    headers,
  )
}
