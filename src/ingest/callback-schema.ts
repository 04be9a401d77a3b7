import { Type } from '@sinclair/typebox'
import { Problem } from '../contract/problem.ts'
import type { Vendor } from '../contract/vendor.ts'

const Acknowledgement = Type.Object({
  outcome: Type.Union([
    Type.Literal('stored'),
    Type.Literal('duplicate'),
    Type.Literal('unrecognised'),
    Type.Literal('erased'),
  ]),
  delivery_id: Type.String({ format: 'uuid' }),
})

export const problemAnswer = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: Problem } },
})

const retryAfter = { 'Retry-After': { type: 'integer', description: 'Seconds to wait before a retry' } }

/** The vendor's name as a title: `Asleep`. */
export const titleOf = ({ name }: Vendor) => `${name[0]?.toUpperCase()}${name.slice(1)}`

const withArticle = (title: string) => `${/^[AEIOU]/.test(title) ? 'an' : 'a'} ${title}`

/** What the route of a vendor declares, for validation and for the OpenAPI document. */
export function callbackSchema(vendor: Vendor) {
  return {
    tags: [vendor.name],
    summary: `Receive ${withArticle(titleOf(vendor))} callback`,
    description: 'The answer is sent after the commit. There is an example for every event.',
    security: Object.values(vendor.proofs).map(({ setting }) => ({ [setting]: [] })),
    headers: vendor.headers,
    body: Type.Union([...vendor.events.map(({ schema }) => schema)]),
    response: {
      200: {
        description: 'Committed; `erased`: the person was erased, and nothing was kept',
        ...Acknowledgement,
      },
      400: problemAnswer('malformed_json or missing_user_id; the body is stored in the ledger'),
      401: problemAnswer('unauthorized'),
      408: problemAnswer('request_timeout'),
      413: problemAnswer('body_too_large'),
      422: problemAnswer('invalid_body or user_mismatch; the body is stored in the ledger'),
      429: { ...problemAnswer('too_many_requests; nothing is stored'), headers: retryAfter },
      500: problemAnswer('internal: a fault of Nightpost'),
      503: { ...problemAnswer('unavailable; nothing is stored'), headers: retryAfter },
    },
  }
}
