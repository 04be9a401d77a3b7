import { hash } from 'node:crypto'
import rateLimit, { type CreateRateLimitOptions } from '@fastify/rate-limit'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { ProblemError } from '../contract/problem.ts'
import type { Vendor } from '../contract/vendor.ts'
import type { Admit } from '../ingest/receive.ts'

export interface RateLimits {
  /** Requests a minute of one address; 0: any number. */
  readonly perAddress: number
  /** Authentic deliveries a minute of one credential; 0: any number. */
  readonly perCredential: number
}

const MINUTE = 60_000

/** Addresses and credentials that are counted at a time: the least recently seen make room. */
const CACHE = 5000

/** Loads the limits into `scope`, before its routes. Counts are those of one process. */
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
 * What an authentic delivery must pass. Only those are counted, or else anybody could use up a vendor's
 * share. A key has a share of its own; a signature doesn't say under which secret it was made, so all have one.
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
  throw new ProblemError('too_many_requests', `At most ${limit.max} in a minute.`, headers)
}
