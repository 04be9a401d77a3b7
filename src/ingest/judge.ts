import { isUtf8 } from 'node:buffer'
import { type Drift, NO_DRIFT } from '../contract/drift.ts'
import type { Judgement } from '../contract/event.ts'
import { type JsonObject, readJson, Unreadable } from '../contract/json.ts'
import { type Problem, problem } from '../contract/problem.ts'
import type { Headers, Identity, Scheme, Vendor } from '../contract/vendor.ts'
import { contentOf } from './content.ts'
import type { Verdict } from './delivery.ts'

type Stored = Exclude<Judgement, { issues: unknown }>

/**
 * Rows that one delivery may become, and elements that a list of its body may have: 10 MiB of data logs as small as
 * Sahha makes them are about 25,000. A row takes about a kilobyte until it is committed.
 */
export const MOST_ROWS = 50_000

/** What becomes of the bytes of an authentic delivery; `limit` bounds what they are unpacked to. */
export function judge(
  vendor: Vendor,
  scheme: string,
  headers: Headers,
  bytes: Buffer,
  limit: number,
): Verdict {
  return judgeContent(vendor, scheme, headers, contentOf(headers, bytes, limit))
}

/**
 * What becomes of an authentic body, or of one that can't be unpacked: pure, so that a kept delivery can be judged
 * again at any time. `scheme` is the name of the vendor's scheme that proved the sender.
 */
export function judgeContent(
  vendor: Vendor,
  scheme: string,
  headers: Headers,
  content: Buffer | Problem,
): Verdict {
  const { userHeader, required } = vendor.schemes[scheme] as Scheme
  const userId = userHeader === null ? null : headerText(headers[userHeader])
  if (!Buffer.isBuffer(content)) return rejected(content, userId)
  const body = read(content)
  if (body instanceof Unreadable) return rejected(problem(body.code, body.message), userId)

  const identity = vendor.identify(headers, body)
  if (required && userId === null) {
    return rejected(problem('missing_user_id', `The header ${userHeader} is required.`), userId, identity)
  }
  // Before the rows are made: it is they that fill the memory.
  if (identity.event && elements(body) > MOST_ROWS) {
    const detail = `The body has lists of more than ${MOST_ROWS} elements.`
    return rejected(problem('invalid_body', detail), userId, identity)
  }
  const judgement = identity.event?.judge(body)
  if (judgement && 'issues' in judgement) {
    const detail = `The body does not fit ${identity.event?.name}.`
    return rejected(problem('invalid_body', detail, judgement.issues), userId, identity)
  }
  if (userId !== null && !isSameUser(userId, identity)) {
    return rejected(
      problem('user_mismatch', `The header ${userHeader} and the body differ.`),
      userId,
      identity,
    )
  }
  return {
    outcome: judgement ? 'stored' : 'unrecognised',
    owner: ownerOf(identity),
    event: nameOf(identity),
    userId,
    problem: judgement ? partOf(judgement) : null,
    rows: judgement?.rows ?? [],
    createdAt: judgement?.createdAt ?? null,
    drift: driftOf(identity, judgement),
  }
}

/** What is said of a stored body that has records without a row. */
function partOf({ drift = NO_DRIFT, missing = [] }: Stored): Problem | null {
  if (missing.length === 0) return null
  const count = drift.reduce((sum, one) => sum + (one.kind === 'record' ? one.count : 0), 0)
  return problem('partly_stored', `Records without a row: ${count}. The errors name the first ones.`, [
    ...missing,
  ])
}

function driftOf({ drift = NO_DRIFT }: Identity, judgement: Stored | undefined): readonly Drift[] {
  const found = judgement?.drift ?? NO_DRIFT
  return drift.length > 0 ? [...drift, ...found] : found
}

function rejected(problem: Problem, userId: string | null, identity?: Identity): Verdict {
  return {
    outcome: 'rejected',
    owner: ownerOf(identity),
    event: nameOf(identity),
    userId,
    problem,
    rows: [],
    createdAt: null,
    drift: NO_DRIFT,
  }
}

/** How many elements the body's own lists have together: each may become a row. */
function elements(body: JsonObject): number {
  let count = 0
  for (const key in body) {
    const value = body[key]
    if (Array.isArray(value)) count += value.length
  }
  return count
}

function read(bytes: Buffer): JsonObject | Unreadable {
  try {
    return readJson(bytes)
  } catch (error) {
    if (error instanceof Unreadable) return error
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

// The owner is part of the ledger's key, whose index entries are bounded; a name is only a label.
const MAX_LABEL = 255

function ownerOf(identity: Identity | undefined): string {
  const owner = identity?.owner
  return typeof owner === 'string' && owner.length <= MAX_LABEL ? owner : ''
}

function nameOf(identity: Identity | undefined): string | null {
  const name = identity?.name
  return name && name.length <= MAX_LABEL ? name : null
}
