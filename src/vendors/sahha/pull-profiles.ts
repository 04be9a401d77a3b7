import { CallFailed, type Person, type PullContext } from '../../contract/pull.ts'
import type { Ask } from './pull-token.ts'

const DAY = 86_400_000
const PAGE_SIZE = 100
const MOST_PAGES = 100_000

/** The list is read again if pages of different sizes left profiles out. */
const MOST_PASSES = 5

interface Profile {
  readonly profileId: string
  readonly externalId: string
  /** In milliseconds of Unix time; null if Sahha received no data of it. */
  readonly lastData: number | null
}

/** The profiles to ask about: those with data since the beginning of the period, or those that the operator names. */
export async function* profiles(context: PullContext, ask: Ask): AsyncGenerator<Person> {
  const { only, period, onlyBehind, lastPush, note } = context
  for (const { profileId, externalId, lastData } of await allProfiles(context, ask)) {
    const isNamed = only?.has(profileId) === true || only?.has(externalId) === true
    if (only ? !isNamed : lastData === null || lastData < period.from - DAY) continue
    if (externalId === '') {
      note('profiles without an external id, which the API does not give')
      continue
    }
    const last = await lastPush(profileId)
    const isBehind = lastData !== null && (last === null || lastData > last)
    if (onlyBehind && !isBehind) continue
    yield { owner: profileId, user: externalId, isBehind }
  }
}

async function allProfiles({ note }: PullContext, ask: Ask): Promise<Profile[]> {
  const found = new Map<string, Profile>()
  for (let pass = 0; pass < MOST_PASSES; pass += 1) {
    let total = 0
    for (let page = 0, pages = 1; page < Math.min(pages, MOST_PAGES); page += 1) {
      const { json } = await ask({
        path: '/api/v1/account/profile/search',
        query: { currentPage: `${page}`, pageSize: `${PAGE_SIZE}` },
      })
      const { items, totalCount, totalPages } = (json ?? {}) as Record<string, unknown>
      // An answer without a list must not look like an account without profiles.
      if (page === 0 && !Array.isArray(items))
        throw new CallFailed('GET /api/v1/account/profile/search: the answer has no items')
      if (!Array.isArray(items) || items.length === 0) break
      for (const item of items) {
        const profile = profileOf(item)
        if (profile) found.set(profile.profileId, profile)
      }
      total = Math.max(total, typeof totalCount === 'number' ? totalCount : 0)
      pages = Math.max(pages, typeof totalPages === 'number' ? totalPages : page + 2)
    }
    if (found.size >= total) return [...found.values()]
  }
  note('times that the list of profiles did not give as many as it counts')
  if (found.size === 0) throw new CallFailed('GET /api/v1/account/profile/search gave no profile')
  return [...found.values()]
}

function profileOf(item: unknown): Profile | null {
  const { profileId, externalId, dataLastReceivedAtUtc } = (item ?? {}) as Record<string, unknown>
  if (typeof profileId !== 'string' || profileId === '') return null
  return {
    profileId,
    externalId: typeof externalId === 'string' ? externalId : '',
    lastData: typeof dataLastReceivedAtUtc === 'string' ? timeOf(dataLastReceivedAtUtc) : null,
  }
}

/** Without an offset it is UTC. */
function timeOf(text: string): number | null {
  const time = Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`)
  return Number.isNaN(time) ? null : time
}
