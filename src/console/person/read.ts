import type pg from 'pg'
import { isDistributed } from '../../db/citus/state.ts'
import type { Days, Hypnogram } from '../../hypnogram/hypnogram.ts'
import { readSessions, withLocalTicks } from '../../hypnogram/read.ts'
import { readDays, undatedSessions } from '../../hypnogram/read-days.ts'

/** An id of a vendor that belongs to a person. */
export interface Identity {
  readonly vendor: string
  readonly owner: string
  readonly userId: string
  readonly isLinked: boolean
  readonly firstReceivedAt: Date
}

export interface Heard {
  readonly personId: string
  readonly vendors: readonly string[]
  readonly lastReceivedAt: Date
}

/** Deliveries whose persons the list names. */
const MOST_DELIVERIES = 1_000

const PERSON = `cross join lateral (
       select person_id from people where owner = l.owner and vendor = l.vendor offset 0
     ) as p`

const PERSON_ON_CITUS = 'join people as p on p.owner = l.owner and p.vendor = l.vendor'

/** The persons of the latest deliveries, the latest first. */
export async function recentPeople(client: pg.ClientBase): Promise<Heard[]> {
  const { rows } = await client.query(
    `with latest as materialized (
       select owner, vendor, max(received_at) as at from (
         select owner, vendor, received_at from delivery_log order by delivery_id desc limit ${MOST_DELIVERIES}
       ) as d where owner <> '' group by owner, vendor order by at desc limit 30
     )
     select p.person_id as "personId", array_agg(distinct l.vendor) as vendors, max(l.at) as "lastReceivedAt"
     from latest as l ${(await isDistributed(client)) ? PERSON_ON_CITUS : PERSON}
     group by p.person_id order by max(l.at) desc`,
  )
  return rows
}

const OF_USER = `select p.person_id from (
         select owner, vendor from owners where coalesce(nullif(user_id, ''), owner) = $1
       ) as l ${PERSON}`

const OF_USER_ON_CITUS = `select person_id from people where coalesce(nullif(user_id, ''), owner) = $1`

/** The persons that an id means: a person's, an owner's, or one that a vendor's header names. */
export async function findPersons(client: pg.ClientBase, id: string): Promise<string[]> {
  const { rows } = await client.query(
    `select distinct person_id from (
       select person_id from people where person_id = $1
       union all select person_id from people where owner = $1
       union all ${(await isDistributed(client)) ? OF_USER_ON_CITUS : OF_USER}
     ) as found limit 20`,
    [id],
  )
  return rows.map(({ person_id }) => person_id)
}

export async function readIdentities(client: pg.ClientBase, personId: string): Promise<Identity[]> {
  const { rows } = await client.query(
    `select vendor, owner, user_id as "userId", is_linked as "isLinked", first_received_at as "firstReceivedAt"
     from people where person_id = $1 order by vendor, owner limit 100`,
    [personId],
  )
  return rows
}

/** The sleep of one owner. */
export interface Sleep {
  readonly owner: string
  readonly days: Days | null
  readonly last: Hypnogram | null
  /** Sessions that are not complete: all of their stages are provisional. */
  readonly underWay: readonly Hypnogram[]
}

/** Days that the strip shows. */
const DAYS = 14
const MOST_UNDER_WAY = 3

export async function readSleep(client: pg.Client, owner: string): Promise<Sleep> {
  const days = await readDays(client, owner, DAYS)
  const longest = lastNight(days)
  const underWay = days?.undated ?? (await undatedSessions(client, owner))
  return {
    ...{ owner, days },
    last: longest ? await withLocalTicks(client, longest) : null,
    underWay: underWay.length > 0 ? await readSessions(client, owner, underWay.slice(0, MOST_UNDER_WAY)) : [],
  }
}

/** The longest session of the last day that has one. */
function lastNight(days: Days | null): Hypnogram | undefined {
  const sessions = days?.days.findLast((day) => day.sessions.length > 0)?.sessions ?? []
  return [...sessions].sort((a, b) => b.length - a.length)[0]
}

export interface Score {
  readonly profileId: string
  readonly type: string
  readonly score: number | null
  readonly state: string | null
  readonly date: string | null
  readonly factors: ReadonlyArray<{
    readonly name: string | null
    readonly value: number | null
    readonly goal: number | null
    readonly unit: string | null
    readonly score: number | null
    readonly state: string | null
  }>
}

const FACTOR = `json_build_object('name', name, 'value', value, 'goal', goal, 'unit', unit, 'score', score, 'state', state)`

export async function readScores(client: pg.ClientBase, owners: readonly string[]): Promise<Score[]> {
  if (await isDistributed(client)) return scoresOnCitus(client, owners)
  const { rows } = await client.query(
    `select s.profile_id as "profileId", s.type, s.score::float8 as score, s.state, s.local_date::text as date, f.factors
     from latest_scores as s cross join lateral (
       select coalesce(json_agg(${FACTOR} order by position), '[]') as factors
       from score_factors where profile_id = s.profile_id and score_id = s.score_id
     ) as f where s.profile_id = any($1) order by s.profile_id, s.type`,
    [owners],
  )
  return rows
}

/** Two statements, because Citus has no aggregate in a lateral subquery. */
async function scoresOnCitus(client: pg.ClientBase, owners: readonly string[]): Promise<Score[]> {
  const { rows: scores } = await client.query(
    `select profile_id as "profileId", score_id as id, type, score::float8 as score, state, local_date::text as date
     from latest_scores where profile_id = any($1) order by profile_id, type`,
    [owners],
  )
  const { rows: factors } = await client.query(
    `select profile_id as "profileId", score_id as id, ${FACTOR} as factor from score_factors
     where profile_id = any($1) and score_id = any($2) order by position`,
    [owners, scores.map(({ id }) => id)],
  )
  return scores.map(({ id, ...score }) => {
    const own = factors.filter((each) => each.id === id && each.profileId === score.profileId)
    return { ...score, factors: own.map(({ factor }) => factor) }
  })
}

/** Days that the charts show. */
const CHART_DAYS = 56

/** The last days of a person, the oldest first. */
export async function readDaysOfPerson(
  client: pg.ClientBase,
  personId: string,
): Promise<Array<Record<string, unknown> & { readonly date: string }>> {
  // Postgres plans the view for longer than it reads it, so the plan of a connection is kept.
  const { rows } = await client.query({
    name: 'console: days of a person',
    text: `select *, local_date::text as date from user_days where person_id = $1 and local_date is not null
     order by local_date desc limit ${CHART_DAYS}`,
    values: [personId],
  })
  return rows.reverse()
}
