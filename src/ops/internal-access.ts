import type { FastifyRequest } from 'fastify'
import type { Config } from '../config/index.ts'
import { Problem, ProblemError } from '../contract/problem.ts'
import { apiKeyCheck } from '../contract/secrets.ts'
import { isOwnNetwork } from './own-network.ts'

/** Who may read the internal routes: clients with the token, clients in the own network, or everybody. */
type Audience = { readonly token: string } | 'own network' | 'everybody'

/** Throws the problem 401 if the sender of a request may not read the internal routes. */
export type InternalAccess = (request: FastifyRequest) => void

export function internalAccess(config: Config): InternalAccess {
  const audience = audienceOf(config)
  if (audience === 'everybody') return () => {}
  if (audience === 'own network') {
    return ({ raw }) => {
      if (!isOwnNetwork(raw)) throw refusal('Set METRICS_TOKEN to read this from another network.')
    }
  }
  const isToken = apiKeyCheck([`Bearer ${audience.token}`])
  return ({ headers }) => {
    if (!isToken(headers.authorization ?? '')) throw refusal('METRICS_TOKEN is required as a Bearer token.')
  }
}

function audienceOf({ METRICS_TOKEN, NODE_ENV }: Config): Audience {
  if (METRICS_TOKEN !== undefined) return { token: METRICS_TOKEN }
  return NODE_ENV === 'production' ? 'own network' : 'everybody'
}

const refusal = (detail: string) => new ProblemError('unauthorized', detail, { 'www-authenticate': 'Bearer' })

/** What the schema of an internal route says of access to it. */
export const INTERNAL_SECURITY = [{}, { METRICS_TOKEN: [] }]
export const INTERNAL_REFUSAL = {
  description: 'unauthorized',
  content: { 'application/problem+json': { schema: Problem } },
}
