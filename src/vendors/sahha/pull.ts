import { elementsOf, withMembers } from '../../contract/json-text.ts'
import {
  type ApiCall,
  CallFailed,
  type Finding,
  headerValue,
  type Person,
  type Pull,
  type PullContext,
} from '../../contract/pull.ts'
import { profiles } from './pull-profiles.ts'
import { AccountToken, type Ask } from './pull-token.ts'
import { archetypes } from './tables/archetypes.ts'
import { biomarkers } from './tables/biomarkers.ts'
import { dataLogs } from './tables/data-logs.ts'
import { factors, scores } from './tables/scores.ts'

const DAY = 86_400_000

/** The most days of one request, so that an answer stays small. */
const WINDOW = 31 * DAY

/** The categories of biomarkers, which the API wants named. An older API may refuse the last two. */
const CATEGORIES = ['activity', 'sleep', 'body', 'vitals', 'engagement']
const LATER_CATEGORIES = ['characteristic', 'reproductive']

/** The records lack the first two. The offsets say how a time was written, and not when it was. */
const UNLIKE = ['account_id', 'external_id', 'utc_offset_minutes', 'local_date', 'end_utc_offset_minutes']

/** How what Sahha did not deliver is pulled from its API. Data logs can't be. */
export const pull: Pull = {
  settings: {
    SAHHA_API_URL: {
      description: "Address of Sahha's API, for nightpost reconcile; sandbox: https://sandbox-api.sahha.ai",
      default: 'https://api.sahha.ai',
    },
    SAHHA_CLIENT_ID: { description: "Client id of Sahha's account, for nightpost reconcile", secret: true },
    SAHHA_CLIENT_SECRET: { description: 'Client secret of the same', secret: true },
  },
  url: 'SAHHA_API_URL',
  required: ['SAHHA_CLIENT_ID', 'SAHHA_CLIENT_SECRET'],
  compared: [
    { target: scores, unlike: UNLIKE, sameBy: ['type', 'score_date_time'] },
    { target: factors, unlike: UNLIKE },
    {
      target: biomarkers,
      unlike: UNLIKE,
      sameBy: ['type', 'periodicity', 'aggregation', 'start_date_time', 'end_date_time'],
    },
    {
      target: archetypes,
      unlike: UNLIKE,
      sameBy: ['name', 'periodicity', 'start_date_time', 'end_date_time'],
    },
  ],
  unpullable: { target: dataLogs, day: 'local_date', besides: [biomarkers, scores] },
  stopReason: (status) => (status === 403 ? 'the account may not do it.' : null),
  open: (context) => {
    const token = new AccountToken(context)
    let categories = [...CATEGORIES, ...LATER_CATEGORIES]
    const ask = async (call: ApiCall) => {
      if (!call.query?.categories) return token.ask(call)
      const answer = await token.ask({ ...call, query: { ...call.query, categories }, handed: [400, 422] })
      if (answer.status < 400 || answer.status === 404) return answer
      const fewer = await token.ask({ ...call, query: { ...call.query, categories: CATEGORIES } })
      // It was not refused for another reason, so it will be for every profile.
      categories = CATEGORIES
      return fewer
    }
    return {
      people: () => profiles(context, ask),
      findings: (person) => findings(context, ask, person),
    }
  },
}

async function* findings(context: PullContext, ask: Ask, person: Person): AsyncGenerator<Finding> {
  const account = await context.common([scores, biomarkers, archetypes], person.owner, 'account_id')
  const params = { user: person.user }
  const all = async function* (event: string, call: ApiCall): AsyncGenerator<Finding> {
    const answer = await ask(call)
    // 204 and 404: there is nothing.
    if (answer.json !== undefined && !Array.isArray(answer.json))
      throw new CallFailed(`the answer about ${event} is no list`)
    for (const record of elementsOf(answer.status === 200 ? answer.text : '')) {
      const body = bodyOf(record, person, account)
      yield {
        event,
        get: async () => ({
          body,
          headers: { 'x-external-id': headerValue(person.user), 'x-event-type': event },
          askedAt: answer.askedAt,
        }),
      }
    }
  }
  for (const query of windows(context.period)) {
    yield* all('ScoreCreatedIntegrationEvent', { path: '/api/v1/profile/score/:user', params, query })
    yield* all('BiomarkerCreatedIntegrationEvent', {
      ...{ path: '/api/v1/profile/biomarker/:user', params },
      query: { ...query, categories: CATEGORIES },
    })
  }
  // They have no period in the request.
  yield* all('ArchetypeCreatedIntegrationEvent', { path: '/api/v1/profile/archetypes/:user', params })
}

/** The record's text as it is, with what says whose it is. */
function bodyOf(record: string, { owner, user }: Person, accountId: string | null): string {
  return withMembers(record, { profileId: owner, ...(accountId && { accountId }), externalId: user })
}

/** The period in parts, with a day before and after: a day of the user's may begin up to 14 hours earlier or later. */
function* windows({ from, to }: PullContext['period']) {
  const end = to + DAY
  for (let start = from - DAY; start < end; start += WINDOW) {
    yield { startDateTime: timeOf(start), endDateTime: timeOf(Math.min(start + WINDOW, end)) }
  }
}

const timeOf = (milliseconds: number) => new Date(milliseconds).toISOString().replace(/\.\d+Z$/, 'Z')
