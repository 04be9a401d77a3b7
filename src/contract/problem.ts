import { type Static, Type } from '@sinclair/typebox'

/**
 * Every problem by its code, with its HTTP status. `partly_stored` occurs only in `deliveries.problem`: its delivery is
 * stored and answered with 200.
 */
export const problems = {
  partly_stored: { status: 200, title: 'Some records of the body have no row' },
  malformed_json: { status: 400, title: 'The body is not a JSON object in UTF-8' },
  missing_user_id: { status: 400, title: 'The header that names the user is missing' },
  bad_request: { status: 400, title: 'The request is not valid HTTP' },
  unauthorized: { status: 401, title: 'The credential is missing or wrong' },
  not_found: { status: 404, title: 'There is nothing at this path' },
  method_not_allowed: { status: 405, title: 'This path does not take this method' },
  request_timeout: { status: 408, title: 'The request took too long to arrive' },
  body_too_large: { status: 413, title: 'The body is larger than BODY_LIMIT_BYTES' },
  invalid_body: { status: 422, title: 'The body does not fit its event' },
  user_mismatch: { status: 422, title: 'Header and body name different users' },
  too_many_requests: { status: 429, title: 'More requests than the limit allows' },
  headers_too_large: { status: 431, title: 'The headers are too large' },
  internal: { status: 500, title: 'Nightpost failed' },
  unavailable: { status: 503, title: 'Nothing is acknowledged; try again later' },
} as const

export type ProblemCode = keyof typeof problems

/** One failed check. `path` is a JSON pointer into the body; `message` never quotes a value of it. */
export const Issue = Type.Object({ path: Type.String(), message: Type.String() })
export type Issue = Static<typeof Issue>

/** A problem document as in RFC 9457, `application/problem+json`. */
export const Problem = Type.Object(
  {
    type: Type.String({ description: 'Identifies the kind of problem' }),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String(),
    detail: Type.String(),
    errors: Type.Optional(Type.Array(Issue)),
    delivery_id: Type.Optional(
      Type.String({ format: 'uuid', description: 'Present if the body is stored in the ledger' }),
    ),
  },
  { $id: 'Problem' },
)
export type Problem = Static<typeof Problem>

/** Makes a problem document. `detail` must not quote a value of a body or a header. */
export function problem(code: ProblemCode, detail: string, errors?: Issue[]): Problem {
  const { status, title } = problems[code]
  return { type: `urn:nightpost:problem:${code}`, title, status, code, detail, ...(errors && { errors }) }
}

/** Thrown if the request is refused and nothing is stored in the ledger. The error handler answers with `problem`. */
export class ProblemError extends Error {
  readonly problem: Problem
  readonly headers: Readonly<Record<string, string>>

  constructor(code: ProblemCode, detail: string, headers: Record<string, string> = {}) {
    super(detail)
    this.name = 'ProblemError'
    this.problem = problem(code, detail)
    this.headers = headers
  }
}
