import fc from 'fast-check'
import { type Delivery, newArrival } from '../../src/ingest/delivery.ts'
import { unpackAndJudge } from '../../src/ingest/judge.ts'
import { asleep } from '../../src/vendors/asleep/index.ts'
import { sahha } from '../../src/vendors/sahha/index.ts'

/** A row that a body is normalised into. `value` is unique to the body, so it tells which body a stored row came from. */
export interface ExpectedRow {
  readonly table: string
  readonly key: string
  readonly value: string
  /** The vendor's own order of rows with the same key, ascending; empty if it has none. */
  readonly order: readonly number[]
  /** The row of the same body that this row is a part of; it is stored and replaced with it. */
  readonly partOf?: ExpectedRow
}

interface Body {
  readonly kind: string
  readonly vendor: typeof asleep
  readonly user: string
  readonly text: string
  readonly rows: readonly ExpectedRow[]
}

/** A delivery whose time of arrival is chosen by the test, independently of when it is written. */
export interface GeneratedDelivery extends Body {
  readonly id: string
  readonly receivedAt: string
  /** The user header names another user, so the delivery is rejected. A repeat with the right user is stored. */
  readonly hasWrongUser: boolean
  /** Nightpost asked the vendor for it. What can't be pulled is always sent. */
  readonly isPulled: boolean
  /** Sort keys for the orders that the test writes the deliveries in. */
  readonly positions: readonly number[]
}

/** Makes a body whose values contain `mark`, which is unique to it. */
type BodyMaker = (mark: number) => Body

/** Texts of instants, with their order in time. Some are the same instant, or the same when truncated to microseconds. */
const INSTANTS: ReadonlyArray<readonly [text: string | null | undefined, order: number]> = [
  ['2025-01-01T00:00:00Z', 0],
  ['2025-01-01T09:00:00+09:00', 0],
  ['2025-01-01T00:00:00', 0],
  ['2025-01-01T00:00:00.0000009Z', 0],
  ['2025-01-01T00:00:00.000001Z', 1],
  ['2025-01-02', 2],
  [undefined, -1],
  [null, -1],
]

const VERSIONS: ReadonlyArray<readonly [text: string | undefined, order: number]> = [
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

/** One of a few names, mostly the first, so that many deliveries write the same rows. */
const fewNames = (name: string, count: number) =>
  fc
    .oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(count - 1) })
    .map((n) => `${name}${n}`)
const record = { profile: fewNames('profile-', 2), id: fewNames('record-', 2) }
const revision = { created: fc.constantFrom(...INSTANTS), version: fc.constantFrom(...VERSIONS) }
const night = { user: fewNames('user-', 2), session: fewNames('session-', 2) }
const arrays = fc.subarray(['sleep', 'breath', 'snoring'])

const VERSION = '"@version@"'
const json = (body: object, version?: string) => JSON.stringify(body).replace(VERSION, version ?? 'null')

const profileOf = (profile: string) => ({ profileId: profile, externalId: `user of ${profile}` })
const ofSahha = (profile: string) => ({ vendor: sahha, user: `user of ${profile}` })

const biomarker = fc
  .record({ ...record, ...revision })
  .map(({ profile, id, created: [createdAtUtc, order], version: [version, rank] }): BodyMaker => {
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
      rows: [{ table: 'biomarkers', key: `${profile}/${id}`, value: `${mark}`, order: [order, rank] }],
    })
  })

const archetype = fc
  .record({ ...record, ...revision })
  .map(({ profile, id, created: [createdAtUtc, order], version: [version, rank] }): BodyMaker => {
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
      rows: [{ table: 'archetypes', key: `${profile}/${id}`, value: `${mark}`, order: [order, rank] }],
    })
  })

const score = fc
  .record({ ...record, ...revision, factors: fc.nat(3) })
  .map(({ profile, id, factors, created: [createdAtUtc, order], version: [version, rank] }): BodyMaker => {
    return (mark) => {
      const own = { table: 'scores', key: `${profile}/${id}`, value: `${mark}`, order: [order, rank] }
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
        rows: [
          own,
          ...names.map((value, position) => ({
            ...{ table: 'score_factors', key: `${own.key}/${position}`, value, order: [], partOf: own },
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
    samples: fc.array(fewNames('sample-', 4), { maxLength: 6 }),
  })
  .map(({ profile, type, samples, received: [receivedAtUtc, order] }): BodyMaker => {
    return (mark) => {
      const dataLogs = samples.map((id, at) => ({ id, value: mark * 100 + at }))
      // Of samples with the same id in one data log, the last is stored.
      const lastOfEachId = new Map(dataLogs.map((sample) => [sample.id, sample]))
      return {
        kind: `data log of ${profile} ${type} received ${receivedAtUtc} with [${samples}]`,
        ...ofSahha(profile),
        text: json({ dataType: type, ...profileOf(profile), receivedAtUtc, dataLogs }),
        rows: [...lastOfEachId.values()].map(({ id, value }) => ({
          ...{ table: 'data_logs', key: `${profile}/${type}/${id}`, value: `${value}`, order: [order] },
        })),
      }
    }
  })

const stagesOf = (series: string[], stages: number[]) =>
  Object.fromEntries(series.map((name) => [`${name}_stages`, stages]))

const session = fc
  .record({ ...night, stat: fc.boolean(), series: arrays })
  .map(({ user, session: id, stat, series }): BodyMaker => {
    return (mark) => {
      const own = { table: 'sleep_sessions', key: `${user}/${id}`, value: `${mark}`, order: [] }
      const part = (table: string, key: string, value: string) => ({
        ...{ table, key, value, order: [], partOf: own },
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
        rows: [
          own,
          ...(stat ? [part('sleep_stats', own.key, `${mark}`)] : []),
          ...series.map((name) => part('sleep_stage_series', `${own.key}/${name}`, `${mark},0`)),
        ],
      }
    }
  })

const inference = fc
  .record({ ...night, chunk: fc.nat(2), length: fc.integer({ min: 1, max: 30 }), series: arrays })
  .map(({ user, session: session_id, chunk, length, series }): BodyMaker => {
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
      rows: series.map((name) => ({
        ...{ table: 'sleep_stage_windows', key: `${user}/${session_id}/${name}/${chunk}` },
        ...{ value: [mark, ...Array<number>(length).fill(1)].join(), order: [] },
      })),
    })
  })

const newBody = fc.oneof(biomarker, archetype, score, dataLog, session, inference)

interface DeliveryDraft {
  readonly make: BodyMaker
  /** If a number, the body is that of an earlier delivery. */
  readonly repeats: number | null
  /** If a number, the record and its version are those of an earlier delivery, with another value: pulled, if that was sent. */
  readonly resembles: number | null
  readonly hasWrongUser: boolean
  readonly isPulled: boolean
  readonly microsecond: number
  readonly positions: readonly number[]
}

const draft = fc.record<DeliveryDraft>({
  make: newBody,
  repeats: fc.option(fc.nat(99), { freq: 4 }),
  resembles: fc.option(fc.nat(99), { freq: 3 }),
  hasWrongUser: fc.nat(9).map((n) => n === 9),
  isPulled: fc.nat(3).map((n) => n === 3),
  microsecond: fc.nat(9),
  positions: fc.tuple(fc.nat(99), fc.nat(99)),
})

/** Deliveries of every kind, many of which write the same rows. `positions` gives two orders to write them in. */
export const generatedDeliveries = fc
  .tuple(fc.array(draft, { minLength: 1, maxLength: 20, size: 'max' }), fc.infiniteStream(fc.nat(0xffff)))
  .map(([drafts, ids]) => {
    const all: GeneratedDelivery[] = []
    const makers: BodyMaker[] = []
    for (const [at, draft] of drafts.entries()) {
      const { repeats, resembles, hasWrongUser, microsecond, positions } = draft
      const earlier = repeats === null ? undefined : all[repeats % Math.max(1, all.length)]
      const other = resembles === null ? undefined : all[resembles % Math.max(1, at)]
      const make = other ? (makers[all.indexOf(other)] as BodyMaker) : draft.make
      makers.push(make)
      const body = earlier ?? make(at + 1)
      const isWanted = other ? !other.isPulled : draft.isPulled
      const isPulled = earlier?.isPulled ?? (isWanted && !/^(data log|INFERENCE)/.test(body.kind))
      const tail = `${ids.next().value.toString(16).padStart(4, '0')}${at.toString(16).padStart(8, '0')}`
      all.push(
        readable({
          ...body,
          id: `01980000-0000-7000-8000-${tail}`,
          receivedAt: `2025-06-01T00:00:00.00000${microsecond}Z`,
          ...{ hasWrongUser, isPulled, positions },
        }),
      )
    }
    return all
  })

/** Makes fast-check print the delivery legibly in a counter-example. */
function readable(delivery: GeneratedDelivery): GeneratedDelivery {
  const { kind, hasWrongUser, isPulled, receivedAt, id, positions } = delivery
  const text = `${isPulled ? 'pulled ' : ''}${kind}${hasWrongUser ? ', under a wrong user' : ''}; arrives .${receivedAt.slice(20, 26)} as …${id.slice(-12)}, written at ${positions}`
  return Object.defineProperty({ ...delivery }, fc.toStringMethod, { value: () => `\n  ${text}` })
}

/** When all generated deliveries arrived, in milliseconds of Unix time. */
export const ARRIVED = 0x019800000000

/** The delivery as the route would give it to the store. */
export function toDelivery(
  { vendor, user, text, hasWrongUser, isPulled, id, receivedAt }: GeneratedDelivery,
  // The times are made up, so usually no partition has them.
  isLate = true,
): Delivery {
  const arrival = { ...newArrival(Buffer.from(text)), id, receivedAt }
  const [sent, header] = vendor === sahha ? ['signature', 'x-external-id'] : ['api_key', 'x-user-id']
  const scheme = isPulled ? 'pull' : sent
  const headers = { [header as string]: hasWrongUser ? 'somebody-else' : user }
  return {
    arrival,
    verdict: unpackAndJudge(vendor, scheme as string, headers, arrival.body, 10 * 2 ** 20),
    vendor: vendor.name,
    authenticatedBy: scheme as string,
    headers,
    normaliserVersion: vendor.normaliserVersion,
    source: isPulled ? 'pull' : 'push',
    isLate,
  }
}
