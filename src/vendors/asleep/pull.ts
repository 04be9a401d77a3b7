import { memberOf, withMembers } from '../../contract/json-text.ts'
import {
  type ApiAnswer,
  CallFailed,
  type Finding,
  headerValue,
  type Person,
  type Pull,
  type PullContext,
  type PulledRecord,
  StopPull,
} from '../../contract/pull.ts'
import { sessions } from './tables/sessions.ts'
import { series } from './tables/stages.ts'
import { stats } from './tables/stats.ts'

const DAY = 86_400_000

/** The most sessions of a page. */
const LIMIT = 100

/** Asleep's own default. A page that is shorter than that is the last one, even if Asleep gives fewer than were asked for. */
const SHORTEST_FULL_PAGE = 20

/** More pages than any user has sessions for: 50,000 nights. */
const MOST_PAGES = 500

const FINAL = 'COMPLETE'

/** What the list says of a session. */
interface Listed {
  readonly session_id: string
  readonly state?: unknown
  readonly session_start_time?: unknown
  readonly session_end_time?: unknown
  readonly created_timezone?: unknown
}

/** What is stored of it. */
interface Held {
  readonly session_id: string
  readonly state: string | null
  readonly timezone: string | null
  readonly start_time: Date | null
  readonly end_time: Date | null
}

/** How what Asleep never called back about is pulled from its Data API. */
export const pull: Pull = {
  settings: {
    ASLEEP_API_URL: {
      description: "Address of Asleep's API, for nightpost reconcile",
      default: 'https://api.asleep.ai',
    },
  },
  url: 'ASLEEP_API_URL',
  required: ['ASLEEP_API_KEYS'],
  compared: [
    // The API gives times in the zone that the request names. The webhook's zone may be another, and the instants the same.
    { target: sessions, unlike: ['timezone', 'utc_offset_minutes', 'local_date', 'callback_version'] },
    { target: stats, unlike: [] },
    { target: series, unlike: [] },
  ],
  isRetried: (status, text) => status === 403 && /rate|too many|throttl/i.test(detailOf(text)),
  stopReason: (status, text) => {
    if (status === 401) return 'the first key of ASLEEP_API_KEYS is not valid for the API.'
    if (status !== 403) return null
    const detail = detailOf(text)
    if (/quota/i.test(detail)) return 'the quota of the key is used up.'
    return /plan/i.test(detail) ? 'the plan of the key does not allow it.' : 'the key may not do it.'
  },
  open: (context) => ({
    people: () => people(context),
    findings: (person) => findings(context, person),
  }),
}

/** Asleep lists no users: only those that are known can be asked about, and those that the operator names. */
async function* people({ only, known }: PullContext): AsyncGenerator<Person> {
  if (only) for (const id of only) yield { owner: id, user: id }
  else yield* known()
}

async function* findings(context: PullContext, person: Person): AsyncGenerator<Finding> {
  const seen = new Set<string>()
  for (let page = 0, offset = 0; page < MOST_PAGES; page += 1) {
    const { listed, length } = await sessionsAt(context, person, offset)
    const fresh = listed.filter(({ session_id }) => !seen.has(session_id))
    for (const { session_id } of fresh) seen.add(session_id)
    yield* compared(context, person, fresh)
    offset += length
    // A page that repeats an earlier one would repeat for ever.
    if (length < SHORTEST_FULL_PAGE || fresh.length === 0) return
  }
}

/** A page of the list, and how many entries it has, also unreadable ones. */
async function sessionsAt(
  context: PullContext,
  { user }: Person,
  offset: number,
): Promise<{ listed: Listed[]; length: number }> {
  const { from, to } = context.period
  const answer = await context.request({
    path: '/data/v1/sessions',
    headers: headersOf(context, user),
    query: {
      // The dates are in UTC, and a night may belong to the day before or after.
      date_gte: dateOf(from - DAY),
      date_lte: dateOf(to + DAY),
      order_by: 'ASC',
      ...{ offset: `${offset}`, limit: `${LIMIT}` },
    },
  })
  if (answer.status === 404) {
    context.note('users that Asleep does not know')
    return { listed: [], length: 0 }
  }
  const list = resultOf(answer)?.sleep_session_list
  if (!Array.isArray(list))
    throw new CallFailed('GET /data/v1/sessions: the answer has no sleep_session_list')
  return { listed: list.filter((entry) => typeof entry?.session_id === 'string'), length: list.length }
}

/** The sessions of a page that are to be fetched. */
async function* compared(
  context: PullContext,
  person: Person,
  listed: readonly Listed[],
): AsyncGenerator<Finding> {
  const ids = listed.map(({ session_id }) => session_id)
  const columns = ['session_id', 'state', 'timezone', 'start_time', 'end_time']
  const rows = (await context.held(sessions, person.owner, ids, columns)) as unknown as Held[]
  const held = new Map(rows.map((row) => [row.session_id, row]))
  for (const session of listed) {
    if (session.state !== FINAL) {
      context.note('sessions that are not final yet')
      continue
    }
    const row = held.get(session.session_id)
    const reason = reasonOf(session, row)
    if (!reason && context.isQuick) continue
    yield {
      event: 'SESSION_COMPLETE',
      ...(reason && { reason }),
      get: () => fetched(context, person, session, row),
    }
  }
}

function reasonOf(listed: Listed, row: Held | undefined): 'missing' | 'differing' | undefined {
  if (!row) return 'missing'
  const isSame =
    row.state === FINAL &&
    isAt(row.start_time, listed.session_start_time) &&
    isAt(row.end_time, listed.session_end_time)
  return isSame ? undefined : 'differing'
}

function isAt(stored: Date | null, listed: unknown): boolean {
  if (typeof listed !== 'string') return stored === null
  return stored !== null && Math.floor(stored.getTime() / 1000) === Math.floor(Date.parse(listed) / 1000)
}

/** A session as SESSION_COMPLETE would carry it. Its times are asked for in the zone in which the webhook sent them. */
async function fetched(
  context: PullContext,
  { user }: Person,
  { session_id, created_timezone }: Listed,
  row: Held | undefined,
): Promise<PulledRecord | null> {
  const zone = row?.timezone ?? created_timezone
  const answer = await context.request({
    path: '/data/v3/sessions/:session',
    params: { session: session_id },
    headers: {
      ...headersOf(context, user),
      ...(typeof zone === 'string' && isZone(zone) && { timezone: zone }),
    },
  })
  const result = resultOf(answer) as { session?: { state?: unknown } } | undefined
  if (!result && answer.status !== 404)
    throw new CallFailed('GET /data/v3/sessions/…: the answer has no result')
  // It may have been opened again since it was listed.
  if (result?.session?.state !== FINAL) return null
  const data = withMembers(memberOf(answer.text, 'result') ?? '{}', { user_id: user })
  return {
    body: `{"event":"SESSION_COMPLETE","version":"V3","data":${data}}`,
    headers: { 'x-user-id': headerValue(user) },
    askedAt: answer.askedAt,
  }
}

function headersOf({ credentials }: PullContext, user: string): Record<string, string> {
  const [key] = credentials('ASLEEP_API_KEYS')
  if (key === undefined) throw new StopPull('ASLEEP_API_KEYS is not set.')
  return { 'x-api-key': key, 'x-user-id': headerValue(user) }
}

const isZone = (name: string) => /^[\w+/-]+$/.test(name)

const dateOf = (milliseconds: number) => new Date(milliseconds).toISOString().slice(0, 10)

function resultOf({ json }: ApiAnswer): Record<string, unknown> | undefined {
  const { result } = (json ?? {}) as { result?: unknown }
  return typeof result === 'object' && result !== null ? (result as Record<string, unknown>) : undefined
}

function detailOf(text: string): string {
  try {
    const { detail } = JSON.parse(text)
    return typeof detail === 'string' ? detail : ''
  } catch {
    return text.slice(0, 500)
  }
}
