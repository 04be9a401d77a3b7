import { type Answer, one, type Route, several, type VendorCall } from './answer.ts'
import type { Row, StoredProfile } from './sahha-data.ts'
import type { Tokens } from './sahha-tokens.ts'

const PARTIAL_PAGE_SIZE = 3
const DEFAULT_PAGE_SIZE = 10

export interface SahhaState {
  readonly clientId: string
  readonly clientSecret: string
  readonly data: Map<string, StoredProfile>
}

/** Sahha's API, by path. Only the token is asked for by POST. */
export function sahhaRoutes(state: () => SahhaState, tokens: Tokens): Record<string, Route> {
  const authorised =
    (route: (call: VendorCall, state: SahhaState) => Answer): Route =>
    (call) => {
      const [scheme, token = ''] = (call.header('authorization') ?? '').split(' ')
      if (scheme?.toLowerCase() === 'bearer') return { status: 500, body: error(500, 'An error occurred') }
      if (scheme !== 'account' || !tokens.isValid(token)) return refused(401, 'Unauthorized')
      return route(call, state())
    }
  const rows = (
    of: (profile: StoredProfile) => Row[],
    isWanted: (row: Row, call: VendorCall) => boolean,
    required?: string,
  ) => authorised((call, { data }) => rowsOf(call, data, of, isWanted, required))
  return {
    '/api/v1/oauth/account/token': (call) => token(call, state(), tokens),
    '/api/v1/account/profile/search': authorised(search),
    '/api/v1/profile/score/:externalId': rows(
      ({ scores }) => scores,
      (row, { query }) => isOneOf(row.type, query.types) && isWithin(row, query),
    ),
    '/api/v1/profile/biomarker/:externalId': rows(
      ({ biomarkers }) => biomarkers,
      (row, { query }) =>
        isOneOf(row.category, query.categories) && isOneOf(row.type, query.types) && isWithin(row, query),
      'categories',
    ),
    '/api/v1/profile/archetypes/:externalId': rows(
      ({ archetypes }) => archetypes,
      (row, { query }) =>
        isOneOf(row.name, query.name) && isOneOf(row.periodicity, query.periodicity) && isWithin(row, query),
    ),
  }
}

function token({ body }: VendorCall, { clientId, clientSecret }: SahhaState, tokens: Tokens): Answer {
  const given = (body ?? {}) as { clientId?: unknown; clientSecret?: unknown }
  if (given.clientId !== clientId || given.clientSecret !== clientSecret) return refused(401, 'Unauthorized')
  const { accountToken, expiresIn } = tokens.issue()
  return { status: 200, body: { accountToken, tokenType: 'account', expiresIn } }
}

/** The partial pages of this list are of a smaller size than asked for, and its totals tell so. */
function search({ query, isPartial }: VendorCall, { data }: SahhaState): Answer {
  const currentPage = Number(one(query.currentPage) ?? 0)
  const wanted = Number(one(query.pageSize) ?? DEFAULT_PAGE_SIZE)
  if (!(Number.isInteger(currentPage) && currentPage >= 0 && Number.isInteger(wanted) && wanted > 0))
    return refused(400, 'Bad Request')
  const pageSize = isPartial ? Math.min(PARTIAL_PAGE_SIZE, wanted) : wanted
  const items = [...data.values()].map(({ item }) => item)
  return {
    status: 200,
    body: {
      items: items.slice(currentPage * pageSize, (currentPage + 1) * pageSize),
      ...{ totalCount: items.length, currentPage, pageSize, totalPages: Math.ceil(items.length / pageSize) },
    },
  }
}

function rowsOf(
  call: VendorCall,
  data: Map<string, StoredProfile>,
  of: (profile: StoredProfile) => Row[],
  isWanted: (row: Row, call: VendorCall) => boolean,
  required?: string,
): Answer {
  const profile = data.get(call.params.externalId ?? '')
  if (!profile) return refused(404, 'Not Found')
  if (required && several(call.query[required]).length === 0) return refused(400, 'Bad Request')
  const found = of(profile).filter((row) => isWanted(row, call))
  // Of a profile without data, Sahha answers 204 or an empty array.
  return found.length === 0 && profile.item.profileId < '8' ? { status: 204 } : { status: 200, body: found }
}

const isOneOf = (value: unknown, wanted: string | string[] | undefined) =>
  wanted === undefined || several(wanted).includes(`${value}`)

/** Whether the period of a row, or the moment of a score, overlaps that of the request. */
function isWithin(row: Row, { startDateTime, endDateTime }: VendorCall['query']): boolean {
  const first = instant(`${row.startDateTime ?? row.scoreDateTime}`)
  const last = instant(`${row.endDateTime ?? row.scoreDateTime}`)
  const [from, to] = [one(startDateTime), one(endDateTime)]
  return (from === undefined || last >= instant(from)) && (to === undefined || first <= instant(to))
}

/** In milliseconds. Without an offset it is UTC. */
function instant(text: string): number {
  return Date.parse(/T.*(Z|[+-]\d\d:?\d\d)$/.test(text) || !text.includes('T') ? text : `${text}Z`)
}

const error = (statusCode: number, title: string) => ({ title, statusCode, errors: [] })

const refused = (status: number, title: string): Answer => ({ status, body: error(status, title) })
