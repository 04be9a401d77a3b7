import fc from 'fast-check'
import type { Delivery } from '../../src/ingest/delivery.ts'
import { arrive } from '../../src/ingest/delivery.ts'
import { judge } from '../../src/ingest/judge.ts'
import { asleep } from '../../src/vendors/asleep/index.ts'
import { sahha } from '../../src/vendors/sahha/index.ts'

/** One row that a body must become, as far as it tells who won: `value` is unique to the body. */
interface Claim {
  readonly table: string
  readonly key: string
  readonly value: string
  /** The vendor's own order of two rows for one key; empty where it has none. */
  readonly age: readonly number[]
  /** The claim, of the same body, that this row stays or goes with. */
  readonly ownedBy?: Claim
}

interface Body {
  readonly kind: string
  readonly vendor: typeof asleep
  readonly user: string
  readonly text: string
  readonly claims: readonly Claim[]
}

/** An arrival as a datum: the tests choose when it came, apart from when it is written. */
export interface Sent extends Body {
  readonly id: string
  readonly receivedAt: string
  /** Its header names another user, so these bytes are rejected until they come again. */
  readonly isWrong: boolean
  /** Where the delivery stands in each order that is tried. */
  readonly places: readonly number[]
}

type Made = (mark: number) => Body

/** Ways to write an instant, with its place in time: several are the same instant, or equal once cut to microseconds. */
const INSTANTS: ReadonlyArray<readonly [text: string | null | undefined, age: number]> = [
  ['2025-01-01T00:00:00Z', 0],
  ['2025-01-01T09:00:00+09:00', 0],
  ['2025-01-01T00:00:00', 0],
  ['2025-01-01T00:00:00.0000009Z', 0],
  ['2025-01-01T00:00:00.000001Z', 1],
  ['2025-01-02', 2],
  [undefined, -1],
  [null, -1],
]

const VERSIONS: ReadonlyArray<readonly [text: string | undefined, age: number]> = [
  ['1', 1],
  ['1.0', 1],
  ['1.1', 1.1],
  ['-1', -1],
  ['0', 0],
  ['9007199254740992', 1000],
  ['9007199254740993', 1001],
  [undefined, Number.NEGATIVE_INFINITY],
  ['null', Number.NEGATIVE_INFINITY],
]

/** Mostly the same one: what never meets can't disagree. */
const few = (name: string, count: number) =>
  fc
    .oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(count - 1) })
    .map((n) => `${name}${n}`)
const record = { profile: few('profile-', 2), id: few('record-', 2) }
const revision = { created: fc.constantFrom(...INSTANTS), version: fc.constantFrom(...VERSIONS) }
const night = { user: few('user-', 2), session: few('session-', 2) }
const arrays = fc.subarray(['sleep', 'breath', 'snoring'])

const VERSION = '"@version@"'
const json = (body: object, version?: string) => JSON.stringify(body).replace(VERSION, version ?? 'null')

const profileOf = (profile: string) => ({ profileId: profile, externalId: `user of ${profile}` })
const ofSahha = (profile: string) => ({ vendor: sahha, user: `user of ${profile}` })

const biomarker = fc
  .record({ ...record, ...revision })
  .map(({ profile, id, created: [createdAtUtc, age], version: [version, rank] }): Made => {
    return (mark) => ({
      kind: `biomarker ${profile}/${id} created ${createdAtUtc} version ${version}`,
      ...ofSahha(profile),
      text: json(
        {
          ...{ id, ...profileOf(profile), category: 'c', type: 'steps', value: `${mark}`, createdAtUtc },
          ...(version && { version: '@version@' }),
        },
        version,
      ),
      claims: [{ table: 'biomarkers', key: `${profile}/${id}`, value: `${mark}`, age: [age, rank] }],
    })
  })

const archetype = fc
  .record({ ...record, ...revision })
  .map(({ profile, id, created: [createdAtUtc, age], version: [version, rank] }): Made => {
    return (mark) => ({
      kind: `archetype ${profile}/${id} created ${createdAtUtc} version ${version}`,
      ...ofSahha(profile),
      text: json(
        {
          ...{ id, ...profileOf(profile), name: 'chronotype', dataType: 'string', value: `${mark}` },
          ...{ createdAtUtc, ...(version && { version: '@version@' }) },
        },
        version,
      ),
      claims: [{ table: 'archetypes', key: `${profile}/${id}`, value: `${mark}`, age: [age, rank] }],
    })
  })

const score = fc
  .record({ ...record, ...revision, factors: fc.nat(3) })
  .map(({ profile, id, factors, created: [createdAtUtc, age], version: [version, rank] }): Made => {
    return (mark) => {
      const own = { table: 'scores', key: `${profile}/${id}`, value: `${mark}`, age: [age, rank] }
      const names = Array.from({ length: factors }, (_, position) => `${mark}.${position}`)
      return {
        kind: `score ${profile}/${id} created ${createdAtUtc} version ${version} with ${factors} factors`,
        ...ofSahha(profile),
        text: json(
          {
            ...{ id, ...profileOf(profile), type: 'sleep', scoreDateTime: '2025-01-01T00:00:00+12:00' },
            ...{ score: mark, factors: names.map((name) => ({ name })), createdAtUtc },
            ...(version && { version: '@version@' }),
          },
          version,
        ),
        claims: [
          own,
          ...names.map((value, position) => ({
            ...{ table: 'score_factors', key: `${own.key}/${position}`, value, age: [], ownedBy: own },
          })),
        ],
      }
    }
  })

const dataLog = fc
  .record({
    profile: record.profile,
    received: fc.constantFrom(...INSTANTS),
    // A sleep stage that is classified again keeps its id, as a blood pressure's two values have one.
    type: fc.constantFrom('sleep_stage_light', 'sleep_stage_deep'),
    samples: fc.array(few('sample-', 4), { maxLength: 6 }),
  })
  .map(({ profile, type, samples, received: [receivedAtUtc, age] }): Made => {
    return (mark) => {
      const dataLogs = samples.map((id, at) => ({ id, value: mark * 100 + at }))
      // Of samples that one batch repeats, the last counts.
      const lasting = new Map(dataLogs.map((sample) => [sample.id, sample]))
      return {
        kind: `data log of ${profile} ${type} received ${receivedAtUtc} with [${samples}]`,
        ...ofSahha(profile),
        text: json({ dataType: type, ...profileOf(profile), receivedAtUtc, dataLogs }),
        claims: [...lasting.values()].map(({ id, value }) => ({
          ...{ table: 'data_logs', key: `${profile}/${type}/${id}`, value: `${value}`, age: [age] },
        })),
      }
    }
  })

const stagesOf = (series: string[], stages: number[]) =>
  Object.fromEntries(series.map((name) => [`${name}_stages`, stages]))

const session = fc
  .record({ ...night, stat: fc.boolean(), series: arrays })
  .map(({ user, session: id, stat, series }): Made => {
    return (mark) => {
      const own = { table: 'sleep_sessions', key: `${user}/${id}`, value: `${mark}`, age: [] }
      const part = (table: string, key: string, value: string) => ({
        ...{ table, key, value, age: [], ownedBy: own },
      })
      return {
        kind: `SESSION_COMPLETE ${user}/${id}${stat ? ' with stat' : ''} with [${series}]`,
        ...{ vendor: asleep, user },
        text: json({
          ...{ event: 'SESSION_COMPLETE', version: 'V3' },
          data: {
            user_id: user,
            session: { id, state: `${mark}`, ...stagesOf(series, [mark, 0]) },
            stat: stat ? { sleep_index: mark } : null,
          },
        }),
        claims: [
          own,
          ...(stat ? [part('sleep_stats', own.key, `${mark}`)] : []),
          ...series.map((name) => part('sleep_stage_series', `${own.key}/${name}`, `${mark},0`)),
        ],
      }
    }
  })

const inference = fc
  .record({ ...night, chunk: fc.nat(2), length: fc.integer({ min: 1, max: 30 }), series: arrays })
  .map(({ user, session: session_id, chunk, length, series }): Made => {
    return (mark) => ({
      kind: `INFERENCE_COMPLETE ${user}/${session_id} chunk ${chunk} of ${length} epochs with [${series}]`,
      ...{ vendor: asleep, user },
      text: json({
        ...{ event: 'INFERENCE_COMPLETE', version: 'V3' },
        data: {
          ...{ user_id: user, session_id, seq_num: chunk * 10 + 9, inference_seq_num: chunk },
          ...stagesOf(series, [mark, ...Array<number>(length).fill(1)]),
        },
      }),
      claims: series.map((name) => ({
        ...{ table: 'sleep_stage_windows', key: `${user}/${session_id}/${name}/${chunk}` },
        ...{ value: [mark, ...Array<number>(length).fill(1)].join(), age: [] },
      })),
    })
  })

const fresh = fc.oneof(biomarker, archetype, score, dataLog, session, inference)

interface Draw {
  readonly make: Made
  /** Where it is a number: the bytes are those of an earlier delivery. */
  readonly repeats: number | null
  readonly isWrong: boolean
  readonly microsecond: number
  readonly places: readonly number[]
}

const draw = fc.record<Draw>({
  make: fresh,
  repeats: fc.option(fc.nat(99), { freq: 4 }),
  isWrong: fc.nat(9).map((n) => n === 9),
  microsecond: fc.nat(9),
  places: fc.tuple(fc.nat(99), fc.nat(99)),
})

/** Sets of deliveries of every kind that have much to disagree about; `places` names two orders to write them in. */
export const deliveries = fc
  .tuple(fc.array(draw, { minLength: 1, maxLength: 20, size: 'max' }), fc.infiniteStream(fc.nat(0xffff)))
  .map(([draws, ids]) => {
    const all: Sent[] = []
    for (const [at, { make, repeats, isWrong, microsecond, places }] of draws.entries()) {
      const body = (repeats !== null && all[repeats % Math.max(1, all.length)]) || make(at + 1)
      const tail = `${ids.next().value.toString(16).padStart(4, '0')}${at.toString(16).padStart(8, '0')}`
      all.push(
        readable({
          ...body,
          id: `01980000-0000-7000-8000-${tail}`,
          receivedAt: `2025-06-01T00:00:00.00000${microsecond}Z`,
          ...{ isWrong, places },
        }),
      )
    }
    return all
  })

/** What a counter-example prints of a delivery. */
function readable(sent: Sent): Sent {
  const { kind, isWrong, receivedAt, id, places } = sent
  const text = `${kind}${isWrong ? ', under a wrong user' : ''}; arrives .${receivedAt.slice(20, 26)} as …${id.slice(-12)}, written at ${places}`
  return Object.defineProperty({ ...sent }, fc.toStringMethod, { value: () => `\n  ${text}` })
}

export const byArrival = (a: Sent, b: Sent) => compare([a.receivedAt, a.id], [b.receivedAt, b.id])

export function deliveryOf({ vendor, user, text, isWrong, id, receivedAt }: Sent): Delivery {
  const arrival = { ...arrive(Buffer.from(text)), id, receivedAt }
  const [scheme, header] = vendor === sahha ? ['signature', 'x-external-id'] : ['api_key', 'x-user-id']
  const headers = { [header as string]: isWrong ? 'somebody-else' : user }
  return {
    arrival,
    verdict: judge(vendor, scheme as string, headers, arrival.body, 10 * 2 ** 20),
    vendor: vendor.name,
    authenticatedBy: scheme as string,
    headers,
    normaliserVersion: vendor.normaliserVersion,
  }
}

/** What the ledger says of some bytes: under which id they count, and since when. */
export interface Known {
  readonly id: string
  readonly receivedAt: string
}

/**
 * The rows that must be there at last, one line for each: table, key, value, delivery. `known` tells when
 * the bytes of a delivery counted as having arrived, null where they never were accepted.
 */
export function model(all: readonly Sent[], known: (sent: Sent) => Known | null): string[] {
  const winners = new Map<string, { claim: Claim; age: readonly (number | string)[]; by: string }>()
  for (const sent of all) {
    const arrival = known(sent)
    for (const claim of arrival ? sent.claims : []) {
      if (!arrival || claim.ownedBy) continue
      const age = [...claim.age, arrival.receivedAt, arrival.id]
      const held = winners.get(`${claim.table} ${claim.key}`)
      if (!held || compare(held.age, age) < 0) {
        winners.set(`${claim.table} ${claim.key}`, { claim, age, by: arrival.id })
      }
    }
  }
  const owners = new Map([...winners.values()].map(({ claim, by }) => [claim, by]))
  const parts = new Set(
    all.flatMap(({ claims }) => claims).filter(({ ownedBy }) => ownedBy && owners.has(ownedBy)),
  )
  const line = ({ table, key, value }: Claim, by: string) => `${table} ${key} ${value} ${by}`
  return [
    ...[...owners].map(([claim, by]) => line(claim, by)),
    ...[...parts].map((part) => line(part, owners.get(part.ownedBy as Claim) as string)),
  ].sort()
}

function compare(left: readonly (number | string)[], right: readonly (number | string)[]): number {
  for (const [at, a] of left.entries()) {
    const b = right[at] as number | string
    if (a !== b) return a < b ? -1 : 1
  }
  return 0
}
