import { isUtf8 } from 'node:buffer'
import { type Drift, NO_DRIFT } from '../contract/drift.ts'
import type { RowsOrIssues } from '../contract/event.ts'
import { type JsonObject, readJson, Unreadable } from '../contract/json.ts'
import { type Issue, type Problem, type ProblemCode, problem } from '../contract/problem.ts'
import type { Headers, Identity, Scheme, Vendor } from '../contract/vendor.ts'
import { contentOf } from './content.ts'
import type { Verdict } from './delivery.ts'

type Rows = Exclude<RowsOrIssues, { issues: unknown }>

/**
 * Maximum of elements in the lists of one body, and so of its rows. 10 MiB of Sahha's smallest data logs have about
 * 25,000. A row takes about a kilobyte of memory until it is committed.
 */
export const MAX_ROWS = 50_000

/** Unpacks and judges a stored body. `limit` is the maximum of unpacked bytes. */
export function unpackAndJudge(
  vendor: Vendor,
  scheme: string,
  headers: Headers,
  bytes: Buffer,
  limit: number,
): Verdict {
  return judge(vendor, scheme, headers, contentOf(headers, bytes, limit))
}

/**
 * Judges an authentic body; `content` is a problem if it can't be unpacked. It has no side effects, so that a
 * stored delivery can be judged again at any time. `scheme` is the name of the vendor's scheme that proved the sender.
 */
export function judge(vendor: Vendor, scheme: string, headers: Headers, content: Buffer | Problem): Verdict {
  const { userHeader, required } = vendor.schemes[scheme] as Scheme
  const userId = userHeader === null ? null : headerText(headers[userHeader])
  if (!Buffer.isBuffer(content)) return rejected(content, userId)
  const body = read(content)
  if (body instanceof Unreadable) return rejected(problem(body.code, body.message), userId)

  const identity = vendor.identify(headers, body)
  const reject = (code: ProblemCode, detail: string, issues?: Issue[]) =>
    rejected(problem(code, detail, issues), userId, identity)

  if (required && userId === null) {
    return reject('missing_user_id', `The header ${userHeader} is required.`)
  }
  // Checked before the rows are made, because they would fill the memory.
  if (identity.event && elementCount(body) > MAX_ROWS) {
    return reject('invalid_body', `The lists of the body have more than ${MAX_ROWS} elements.`)
  }
  const result = identity.event?.toRows(body)
  if (result && 'issues' in result) {
    return reject('invalid_body', `The body does not fit ${identity.event?.name}.`, result.issues)
  }
  if (userId !== null && !isSameUser(userId, identity)) {
    return reject('user_mismatch', `The header ${userHeader} and the body name different users.`)
  }
  return {
    outcome: result ? 'stored' : 'unrecognised',
    owner: ownerOf(identity),
    event: nameOf(identity),
    userId,
    subject: subjectOf(userId, identity),
    problem: result ? partlyStored(result) : null,
    rows: result?.rows ?? [],
    createdAt: result?.createdAt ?? null,
    drift: driftOf(identity, result),
  }
}

/** The problem of a stored body that has records without a row, else null. */
function partlyStored({ drift = NO_DRIFT, missing = [] }: Rows): Problem | null {
  if (missing.length === 0) return null
  const count = drift.reduce((sum, one) => sum + (one.kind === 'record' ? one.count : 0), 0)
  return problem('partly_stored', `Records without a row: ${count}. The errors name the first ones.`, [
    ...missing,
  ])
}

function driftOf({ drift = NO_DRIFT }: Identity, result: Rows | undefined): readonly Drift[] {
  const found = result?.drift ?? NO_DRIFT
  return drift.length > 0 ? [...drift, ...found] : found
}

function rejected(problem: Problem, userId: string | null, identity?: Identity): Verdict {
  return {
    outcome: 'rejected',
    owner: ownerOf(identity),
    event: nameOf(identity),
    userId,
    subject: subjectOf(userId, identity),
    problem,
    rows: [],
    createdAt: null,
    drift: NO_DRIFT,
  }
}

/** The number of elements in the lists of the body's top level. Each may become a row. */
function elementCount(body: JsonObject): number {
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

/** Decodes a header value as UTF-8 if it is valid, because Node decodes headers as Latin-1. */
function headerText(value: string | string[] | undefined): string | null {
  if (typeof value !== 'string' || value === '') return null
  const bytes = Buffer.from(value, 'latin1')
  return isUtf8(bytes) ? bytes.toString('utf8') : value
}

/** A body of an unknown event that names no user where it is expected may name it elsewhere. */
function isSameUser(userId: string, { event, user }: Identity): boolean {
  return user === userId || (event === undefined && user === undefined)
}

// The owner is part of the ledger's primary key, and Postgres limits the size of index entries.
const MAX_LABEL = 255

function ownerOf(identity: Identity | undefined): string {
  const owner = identity?.owner
  return typeof owner === 'string' && owner.length <= MAX_LABEL ? owner : ''
}

function subjectOf(userId: string | null, identity: Identity | undefined): string | null {
  const user = userId ?? identity?.user
  return typeof user === 'string' && user !== '' ? user : null
}

function nameOf(identity: Identity | undefined): string | null {
  const name = identity?.name
  return name && name.length <= MAX_LABEL ? name : null
}
