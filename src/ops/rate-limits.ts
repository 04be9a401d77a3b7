import { hash } from 'node:crypto'
import rateLimit, { type CreateRateLimitOptions } from '@fastify/rate-limit'
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
const CACHE = 5000

/** Limits the requests to the routes that are declared on `scope` later. Each process counts for itself. */
export async function limitRates(
  scope: FastifyInstance,
  { perAddress, perCredential }: RateLimits,
): Promise<void> {
  if (perAddress + perCredential === 0) return
  await scope.register(rateLimit, { global: false, cache: CACHE })
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
