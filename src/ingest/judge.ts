import { isUtf8 } from 'node:buffer'
import { problem } from '../problem.ts'
import type { Verdict } from './delivery.ts'
import { type JsonObject, MalformedJson, readJson } from './json.ts'
import type { Headers, Identity, Scheme, Vendor } from './vendor.ts'

/**
 * What becomes of an authentic body: pure, so that a kept delivery can be judged again at any time.
 * `scheme` is the name of the vendor's scheme that proved the sender.
 */
export function judge(vendor: Vendor, scheme: string, headers: Headers, bytes: Buffer): Verdict {
  const { userHeader, required } = vendor.schemes[scheme] as Scheme
  const userId = headerText(headers[userHeader])
  const reject = (problem: Verdict['problem'], identity?: Identity): Verdict => ({
    ...about(identity, userId),
    outcome: 'rejected',
    problem,
    rows: [],
  })

  const body = read(bytes)
  if (body instanceof MalformedJson) return reject(problem('malformed_json', body.message))

  const identity = vendor.identify(headers, body)
  if (required && userId === null) {
    return reject(problem('missing_user_id', `The header ${userHeader} is required.`), identity)
  }
  const judgement = identity.event?.judge(body)
  if (judgement && 'issues' in judgement) {
    const detail = `The body does not fit ${identity.name}.`
    return reject(problem('invalid_body', detail, judgement.issues), identity)
  }
  if (userId !== null && !isSameUser(userId, identity)) {
    return reject(problem('user_mismatch', `The header ${userHeader} and the body differ.`), identity)
  }
  const outcome = judgement ? 'stored' : 'unrecognised'
  return { ...about(identity, userId), outcome, problem: null, rows: judgement?.rows ?? [] }
}

function read(bytes: Buffer): JsonObject | MalformedJson {
  try {
    return readJson(bytes)
  } catch (error) {
    if (error instanceof MalformedJson) return error
    throw error
  }
}

/** Node hands over header values as one character per byte; a user id may be UTF-8. */
function headerText(value: string | string[] | undefined): string | null {
  if (typeof value !== 'string' || value === '') return null
  const bytes = Buffer.from(value, 'latin1')
  return isUtf8(bytes) ? bytes.toString('utf8') : value
}

/** A body of an unknown event may well name its user somewhere else. */
function isSameUser(userId: string, { event, user }: Identity): boolean {
  return user === userId || (event === undefined && user === undefined)
}

const MAX_LABEL = 255

function about(identity: Identity | undefined, userId: string | null) {
  return {
    owner: label(identity?.owner) ?? '',
    event: label(identity?.name) ?? null,
    userId,
  }
}

function label(value: unknown): string | undefined {
  return typeof value === 'string' && value.length <= MAX_LABEL ? value : undefined
}
