import { Kind, OptionalKind, type TSchema, Type } from '@sinclair/typebox'
import { Check } from '@sinclair/typebox/value'
import { getTableName } from 'drizzle-orm'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type JsonObject, jsonText, readJson } from '../src/contract/json.ts'
import { repairer } from '../src/contract/repair.ts'
import { Id, KEY, Maybe, RECORDS, Records } from '../src/contract/schema.ts'
import type { Vendor } from '../src/contract/vendor.ts'
import type { Verdict } from '../src/ingest/delivery.ts'
import { unpackAndJudge } from '../src/ingest/judge.ts'
import { vendors } from '../src/vendors/index.ts'
import { events as sahhaEvents } from '../src/vendors/sahha/identify.ts'
import { type Fixture, fixtures } from './setup/fixtures.ts'

type Path = ReadonlyArray<string | number>

/** A field of a schema that a fixture's body has. */
interface Field {
  readonly fixture: Fixture
  readonly path: Path
  readonly schema: TSchema
  /** A value that doesn't fit becomes null: `Maybe`. */
  readonly isRepairable: boolean
  /** The field is in an element of a list of records. */
  readonly isInRecord: boolean
}

const vendorOf = ({ vendor }: Fixture) => vendors.find(({ name }) => name === vendor) as Vendor

const bodyOf = ({ body }: Fixture) => readJson(body)

/** Judges a body with the headers of a fixture, which name the fixture's user. */
function verdictOf(fixture: Fixture, body: JsonObject, eventType = fixture.eventType) {
  const { data, callback_data } = bodyOf(fixture) as Record<string, { user_id: string } | undefined>
  const [scheme, headers] =
    fixture.vendor === 'sahha'
      ? ['signature', { 'x-event-type': eventType }]
      : ['api_key', { 'x-user-id': (data ?? callback_data)?.user_id }]
  return unpackAndJudge(
    vendorOf(fixture),
    scheme as string,
    headers as never,
    Buffer.from(jsonText(body)),
    10 * 2 ** 20,
  )
}

/** Through JSON, because long numbers are functions. */
const rowsOf = ({ rows }: Verdict) =>
  rows.map((of) => [getTableName(of.target.table), JSON.parse(JSON.stringify(of.rows))])

function* fieldsOf(
  fixture: Fixture,
  schema: TSchema,
  value: unknown,
  at: Path,
  isInRecord = false,
): Generator<Field> {
  const inner: TSchema = schema.anyOf?.find((one: TSchema) => one[Kind] !== 'Null') ?? schema
  if (at.length > 0) {
    const isRepairable = schema[OptionalKind] !== undefined && !(KEY in schema)
    yield { fixture, path: at, schema, isRepairable, isInRecord }
  }
  if (inner[Kind] === 'Object' && typeof value === 'object' && value !== null) {
    for (const [key, field] of Object.entries<TSchema>(inner.properties)) {
      const own = (value as JsonObject)[key]
      if (own !== undefined) yield* fieldsOf(fixture, field, own, [...at, key], isInRecord)
    }
  }
  if (RECORDS in inner && Array.isArray(value) && value.length > 0) {
    for (const field of fieldsOf(fixture, inner.items, value[0], [...at, 0], true)) {
      if (field.path.length > at.length + 1) yield field
    }
  }
}

const schemaOf = (fixture: Fixture) => {
  const headers = { 'x-event-type': fixture.eventType } as never
  return vendorOf(fixture).identify(headers, bodyOf(fixture)).event?.schema as TSchema
}

/** The fields that name the event: with another value the body is another event. */
const isName = ({ path: [key] }: Field) => key === 'event' || key === 'callback_event'

const all = fixtures
  .flatMap((fixture) => [...fieldsOf(fixture, schemaOf(fixture), bodyOf(fixture), [])])
  .filter((field) => !isName(field))
const repairable = all.filter(({ isRepairable }) => isRepairable)
const required = all.filter(({ isRepairable }) => !isRepairable)

const isNested = ({ schema }: Field) =>
  schema.anyOf?.some((one: TSchema) => one[Kind] === 'Object' || RECORDS in one)

/** Values of other types, and values that nearly fit. */
const wrongValue = fc.oneof(
  fc.constantFrom<unknown>(
    ...['72', '', ' ', 'true', 'null', '2025-02-30', '2025-01-22T00:00:00Z', 'x'.repeat(300)],
    ...[0, -0, 0.5, 72, -1, 2 ** 31, 2 ** 53, 1e300, true, false, [], [null], [1], ['1'], {}, { id: 1 }],
  ),
  fc.jsonValue({ maxDepth: 3 }),
)

function withValue(fixture: Fixture, path: Path, value: unknown): JsonObject {
  const body = bodyOf(fixture)
  let at = body as Record<string | number, unknown>
  for (const key of path.slice(0, -1)) at = at[key] as typeof at
  at[path.at(-1) as string] = value
  return body
}

const inSchema = (path: Path) =>
  path
    .map((key) => (typeof key === 'number' ? '[]' : key))
    .reduce((a, b) => (b === '[]' ? `${a}[]` : `${a}.${b}`))

it('the fixtures have enough optional and required fields to test', () => {
  expect(repairable.length).toBeGreaterThan(200)
  expect(required.length).toBeGreaterThan(40)
})

it('a wrong optional value makes the same rows as null, and is reported as drift', () => {
  let repaired = 0
  fc.assert(
    fc.property(fc.constantFrom(...repairable), wrongValue, (field, value) => {
      const { fixture, path, schema } = field
      const body = withValue(fixture, path, value)
      const verdict = verdictOf(fixture, body)
      expect(verdict.outcome).toBe('stored')
      if (Check(schema, (readJson(Buffer.from(jsonText({ value }))) as { value: unknown }).value)) return
      if (isNested(field) && typeof value === 'object') return
      repaired += 1
      expect(rowsOf(verdict)).toEqual(rowsOf(verdictOf(fixture, withValue(fixture, path, null))))
      expect(verdict.drift).toContainEqual({ kind: 'type', path: inSchema(path) })
      expect(verdict.problem).toBeNull()
    }),
    { numRuns: 3000 },
  )
  expect(repaired).toBeGreaterThan(1000)
})

it('several wrong optional values make the same rows as nulls', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...fixtures).chain((fixture) => {
        const own = repairable.filter((field) => field.fixture === fixture && !isNested(field))
        return fc.tuple(fc.constant(fixture), fc.uniqueArray(fc.constantFrom(...own), { minLength: 1 }))
      }),
      ([fixture, fields]) => {
        const set = (value: unknown) => {
          const body = bodyOf(fixture)
          for (const { path } of fields) {
            let at = body as Record<string | number, unknown>
            for (const key of path.slice(0, -1)) at = at[key] as typeof at
            at[path.at(-1) as string] = value
          }
          return verdictOf(fixture, body)
        }
        // No field of either vendor is a list of lists.
        const verdict = set([[]])
        expect(verdict.outcome).toBe('stored')
        expect(rowsOf(verdict)).toEqual(rowsOf(set(null)))
      },
    ),
    { numRuns: 300 },
  )
})

it('a wrong required value rejects the body or leaves out its record, and its path is named', () => {
  let refused = 0
  fc.assert(
    fc.property(fc.constantFrom(...required), wrongValue, ({ fixture, path, schema, isInRecord }, value) => {
      if (Check(schema, value)) return
      const verdict = verdictOf(fixture, withValue(fixture, path, value))
      const isStored = isInRecord && (bodyOf(fixture)[path[0] as string] as unknown[]).length > 1
      expect(verdict.outcome).toBe(isStored ? 'stored' : 'rejected')
      expect(verdict.problem?.code).toBe(isStored ? 'partly_stored' : 'invalid_body')
      const pointer = `/${path.join('/')}`
      const paths = verdict.problem?.errors?.map((error) => error.path) ?? []
      expect(
        paths.some((one) => one.startsWith(pointer) || pointer.startsWith(one)),
        `${paths} of ${pointer}`,
      ).toBe(true)
      refused += 1
    }),
    { numRuns: 1000 },
  )
  expect(refused).toBeGreaterThan(300)
})

it('the repair does not change the given body', () => {
  const freeze = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value
    Object.values(value).forEach(freeze)
    return Object.freeze(value)
  }
  fc.assert(
    fc.property(fc.constantFrom(...repairable), wrongValue, ({ fixture, path }, value) => {
      const body = freeze(withValue(fixture, path, value)) as JsonObject
      const { event } = vendorOf(fixture).identify({ 'x-event-type': fixture.eventType } as never, body)
      expect(event?.toRows(body)).toHaveProperty('rows')
    }),
    { numRuns: 500 },
  )
})

it('a body with a fault that can not be repaired is invalid', () => {
  const repair = repairer(Type.Object({ list: Maybe(Records(Type.Object({ id: Id() }), { maxItems: 1 })) }))
  expect(repair({ list: [{ id: 'a' }, { id: 'b' }] })).toEqual({
    issues: [{ path: '/list', message: expect.stringContaining('array') }],
  })
})

describe('the event of a Sahha body', () => {
  const own = fixtures.filter(({ vendor }) => vendor === 'sahha')
  const names = [undefined, '', ...sahhaEvents.map(({ name }) => name)]
  const pairs = own.flatMap((fixture) => names.map((name) => ({ fixture, name })))

  it.each(pairs)('$fixture.name under the name $name is the event of its shape', ({ fixture, name }) => {
    const truth = verdictOf(fixture, bodyOf(fixture))
    const verdict = verdictOf(fixture, bodyOf(fixture), name ?? '')
    expect(verdict.event).toBe(fixture.eventType)
    expect(rowsOf(verdict)).toEqual(rowsOf(truth))
    const isOther = !!name && name !== fixture.eventType
    const found = verdict.drift.filter(({ kind }) => kind === 'event')
    expect(found).toEqual(isOther ? [{ kind: 'event', path: name }] : [])
  })

  it('is unrecognised if its name is unknown', () => {
    for (const fixture of own) {
      const verdict = verdictOf(fixture, bodyOf(fixture), 'InsightCreatedIntegrationEvent')
      expect(verdict).toMatchObject({
        outcome: 'unrecognised',
        event: 'InsightCreatedIntegrationEvent',
        rows: [],
      })
    }
  })

  it('is found without most optional fields and with fields of later versions', () => {
    const optional = (fixture: Fixture) =>
      repairable
        .filter((field) => field.fixture === fixture && field.path.length === 1)
        .map(({ path: [key] }) => key)
    // Any one of these fields suffices.
    const marks: Record<string, string[]> = {
      score: ['scoreDateTime', 'factors', 'score', 'dataSources'],
      biomarker: ['category', 'aggregation', 'valueType'],
      archetype: ['ordinality', 'dataType'],
      'data-log': ['dataLogs'],
    }
    const cases = own.flatMap((fixture) =>
      Object.entries(marks)
        .filter(([prefix]) => fixture.name.startsWith(prefix))
        .flatMap(([, keys]) =>
          keys.filter((key) => key in bodyOf(fixture)).map((mark) => ({ fixture, mark })),
        ),
    )
    fc.assert(
      fc.property(
        fc.constantFrom(...cases).chain(({ fixture, mark }) =>
          fc.record({
            fixture: fc.constant(fixture),
            gone: fc.subarray(optional(fixture).filter((key) => key !== mark) as string[]),
            added: fc.dictionary(
              fc.constantFrom('deviceId', 'sourceId', 'postDateTime', 'insight'),
              fc.string(),
            ),
            name: fc.constantFrom(...names),
          }),
        ),
        ({ fixture, gone, added, name }) => {
          const body = Object.fromEntries(
            Object.entries({ ...bodyOf(fixture), ...added }).filter(([key]) => !gone.includes(key)),
          )
          expect(verdictOf(fixture, body, name ?? '').event).toBe(fixture.eventType)
        },
      ),
      { numRuns: 1000 },
    )
  })
})
