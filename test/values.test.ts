import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exactNumber } from '../src/contract/exact-number.ts'
import { numberText } from '../src/contract/schema.ts'
import { arrayLiteral, type Cell, columnLiteral } from '../src/db/sql/values.ts'
import { biomarker, dataLog, session, USER } from './setup/bodies.ts'
import { setup, type TestService } from './setup/service.ts'

let service: TestService
beforeAll(async () => {
  service = await setup()
  // The server's time zone must have no effect.
  const [{ name } = { name: '' }] = await service.db.query('select current_database() as name')
  await service.db.query(`alter database ${name} set timezone = 'Pacific/Kiritimati'`)
})
afterAll(() => service.close())

async function stored(body: object | string, table: string) {
  const answer = await service.sahha(body)
  expect(answer).toMatchObject({ status: 200, json: { outcome: 'stored' } })
  return service.db.query(`select * from ${table} where delivery_id = $1 order by id`, [
    answer.json.delivery_id,
  ])
}

describe('values are stored unchanged:', () => {
  it('null stays null and 0 stays 0', async () => {
    await service.asleep(session({}, { stat: { deep_latency: null, light_latency: 0 } }), USER)
    const [row] = await service.db.query('select deep_latency, light_latency, rem_latency from sleep_stats')
    expect(row).toEqual({ deep_latency: null, light_latency: '0', rem_latency: null })
  })

  it.each([
    ['2025-01-22T06:30:00.1234567Z', '2025-01-22 06:30:00.123456+00'],
    ['2025-01-22T06:30:00.123456Z', '2025-01-22 06:30:00.123456+00'],
    ['2025-01-22T06:30:00.1', '2025-01-22 06:30:00.1+00'],
    ['2025-01-22T06:30:00', '2025-01-22 06:30:00+00'],
    ['2025-01-22 06:30', '2025-01-22 06:30:00+00'],
    ['2025-01-22', '2025-01-22 00:00:00+00'],
    ['2025-01-22T23:59:59.9999999Z', '2025-01-22 23:59:59.999999+00'],
    ['2025-01-22T23:59:59.999999999+01:00', '2025-01-22 22:59:59.999999+00'],
    ['2025-01-22T06:30:00+0530', '2025-01-22 01:00:00+00'],
    ['2025-01-22t06:30:00z', '2025-01-22 06:30:00+00'],
    ['0001-01-01T00:00:00', '0001-01-01 00:00:00+00'],
  ])('createdAtUtc %s is stored as %s', async (text, expected) => {
    const [row] = await stored(biomarker({ id: text, category: 'c', createdAtUtc: text }), 'biomarkers')
    expect(row?.created_at_utc).toBe(expected)
  })

  it("the user's day and UTC offset are stored with the instant", async () => {
    const [row] = await stored(
      biomarker({ id: 'day', category: 'c', startDateTime: '2025-07-12T00:00:00+12:00' }),
      'biomarkers',
    )
    expect(row).toMatchObject({
      start_date_time: '2025-07-11 12:00:00+00',
      local_date: '2025-07-12',
      utc_offset_minutes: '720',
    })
  })

  it.each([
    ['0.1000000000000000055', '0.1000000000000000055'],
    ['-12', '-12'],
    ['1e3', '1000'],
    ['007', '7'],
    ['true', null],
    ['', null],
    ['NaN', null],
    ['Infinity', null],
    ['0x10', null],
    ['1e999999', null],
    ['1_000', null],
    ['8,5', null],
    [' 1', null],
    ['2025-07-11T06:00+12:00', null],
  ])('a biomarker value %j has value_number %j', async (value, number) => {
    const [row] = await stored(biomarker({ id: `v${value}`, category: 'c', value }), 'biomarkers')
    expect(row).toMatchObject({ value, value_number: number })
  })

  it('numbers that a double can not represent keep every digit', async () => {
    const source =
      '{"profileId":"p","dataType":"x","dataLogs":[' +
      '{"id":"a","value":9007199254740993},{"id":"b","value":0.1000000000000000055},{"id":"c","value":1e400},' +
      '{"id":"d","value":-1.5},{"id":"e","value":100000000000000000000.5,"additionalProperties":{"x":[12345678901234567890]}}]}'
    const rows = await stored(source, 'data_logs')
    expect(rows.map(({ value }) => value)).toEqual([
      '9007199254740993',
      '0.1000000000000000055',
      `1${'0'.repeat(400)}`,
      '-1.5',
      '100000000000000000000.5',
    ])
    expect(rows[4]?.additional_properties).toBe('{"x": [12345678901234567890]}')
  })

  it('a number that a double can not represent is not taken for an object, text or list', async () => {
    const body = (stat: string) =>
      `{"event":"SESSION_COMPLETE","data":{"user_id":"${USER}","session":{"id":"x"},"stat":${stat},"timezone":12345678901234567890}}`
    const answer = await service.asleep(body('12345678901234567890'), USER)
    expect(answer).toMatchObject({ status: 200, json: { outcome: 'stored' } })
    const [night] = await service.db.query(
      `select s.timezone, (select count(*) from sleep_stats as t where t.delivery_id = s.delivery_id) as stats
       from sleep_sessions as s where s.delivery_id = $1`,
      [answer.json.delivery_id],
    )
    expect(night).toEqual({ timezone: null, stats: '0' })
    const factors =
      '{"id":"f","profileId":"p","type":"t","factors":[12345678901234567890,{"value":12345678901234567890}]}'
    const { json } = await service.sahha(factors)
    expect(
      await service.db.query('select position, value from score_factors where delivery_id = $1', [
        json.delivery_id,
      ]),
    ).toEqual([{ position: '1', value: '12345678901234567890' }])
  })

  it('a long number in a deeply nested body is no problem', async () => {
    const deep = `{"x":${'['.repeat(100_000)}1234567890123456789${']'.repeat(100_000)}}`
    const answer = await service.sahha(deep)
    expect(answer).toMatchObject({ status: 200, json: { outcome: 'unrecognised' } })
    const [entry] = await service.db.query(
      'select length(body) as bytes from delivery_bodies where delivery_id = $1',
      [answer.json.delivery_id],
    )
    expect(entry?.bytes).toBe(String(deep.length))
  })

  it('a number that numeric can not store becomes NULL', async () => {
    const source =
      '{"profileId":"p","dataType":"x","dataLogs":[{"id":"huge","value":1e999999},{"id":"near","value":1e999}]}'
    const rows = await stored(source, 'data_logs')
    expect(rows.map(({ value }) => value)).toEqual([null, `1${'0'.repeat(999)}`])
  })
})

describe('text that Postgres can not store', () => {
  const NUL = '\\u0000'
  const LONE = '\\ud800'

  it('is stored with U+FFFD; an escaped backslash before u0000 stays', async () => {
    const [row] = await stored(
      `{"id":"t","profileId":"p","category":"c","type":"x${NUL}y","unit":"\\\\u0000","value":"a${LONE}b\\udc00","aggregation":"\\ud83d\\ude34"}`,
      'biomarkers',
    )
    expect(row).toMatchObject({
      type: 'x\ufffdy',
      unit: '\\u0000',
      value: 'a\ufffdb\ufffd',
      aggregation: '😴',
    })
  })

  it('does not affect the other samples of its batch, nor does a repeated id', async () => {
    const samples = Array.from({ length: 5000 }, (_, at) => ({ id: `s-${at}`, value: at, source: 'watch' }))
    samples.push({ id: 's-0', value: -1, source: 'the later one' })
    const source = JSON.stringify(dataLog(samples, { profileId: 'batch' }))
      .replace('"id":"s-1","value":1,"source":"watch"', `"id":"s-1","value":1,"source":"w${NUL}"`)
      .replace('"id":"s-2","value":2,"source":"watch"', `"id":"s-2","value":2,"source":"w${LONE}"`)
    const rows = await stored(source, 'data_logs')
    expect(rows).toHaveLength(5000)
    const sourceOf = (id: string) => rows.find((row) => row.id === id)?.source
    expect([sourceOf('s-0'), sourceOf('s-1'), sourceOf('s-2')]).toEqual([
      'the later one',
      'w\ufffd',
      'w\ufffd',
    ])
    const [entry] = await service.db.query(
      `select encode(body, 'escape') as body from delivery_bodies where owner = 'batch'`,
    )
    expect(entry?.body).toContain('w\\\\u0000')
  })

  it('a byte order mark before the object is skipped', async () => {
    await stored(`\ufeff${JSON.stringify(biomarker({ id: 'bom', category: 'c' }))}`, 'biomarkers')
  })

  it('a key __proto__ does not set a prototype', async () => {
    const source =
      '{"__proto__":{"id":"evil","profileId":"evil"},"id":"plain","profileId":"p","category":"c","type":"x"}'
    const [row] = await stored(source, 'biomarkers')
    expect(row).toMatchObject({ id: 'plain', profile_id: 'p' })
    expect(
      await service.sahha('{"__proto__":{"id":"e","profileId":"e","type":"t"},"category":"c"}'),
    ).toMatchObject({ status: 422 })
  })
})

it('Postgres reads an array literal as the values it was made of', async () => {
  const text = fc.string({ unit: fc.constantFrom(...'aé睡😴"\\{},\n\t \u0001\u001f\u2028', 'null', 'NULL') })
  const column = <T>(value: fc.Arbitrary<T>) => {
    const cell = fc.option(value)
    const once = fc.tuple(cell, fc.nat(8)).map(([one, count]) => Array.from({ length: count }, () => one))
    return fc.oneof(fc.array(cell, { maxLength: 8 }), once)
  }
  const columns = {
    text: column(text),
    uuid: column(fc.uuid()),
    'timestamp with time zone': column(fc.constantFrom('2025-01-22T18:30:00.123456+00:00', '-infinity')),
    date: column(fc.constantFrom('2025-01-22', '0001-01-01')),
    integer: column(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })),
    boolean: column(fc.boolean()),
  }
  for (const [type, cells] of Object.entries<fc.Arbitrary<ReadonlyArray<Cell>>>(columns)) {
    for (const sample of fc.sample(cells, type === 'text' ? 300 : 60)) {
      const read = `select to_jsonb($1::${type}[])::text as read`
      const [row] = await service.db.query(read, [columnLiteral(sample, type)])
      expect(JSON.parse(row?.read ?? ''), type).toEqual(sample)
    }
  }
  // Instants as Postgres writes them.
  const [written] = await service.db.query(
    `select $1::timestamptz[] = array['2025-01-22T18:30:00.123456Z', null]::timestamptz[] as same`,
    [columnLiteral(['2025-01-22 18:30:00.123456+00', null], 'timestamp with time zone')],
  )
  expect(written?.same).toBe('t')
  const exact = exactNumber('9007199254740993')
  expect(columnLiteral([exact, exact], 'numeric')).toBe('{"9007199254740993","9007199254740993"}')
  const list = ['a', 'b'] as const
  expect(columnLiteral([list, list], 'text')).toBe(arrayLiteral([list, ['a', 'b']]))

  const nested = [[1, -1], [], null] as const
  const [row] = await service.db.query('select to_jsonb($1::text[])::text as read', [arrayLiteral(nested)])
  expect(JSON.parse(row?.read ?? '')).toEqual(['{1,-1}', '{}', null])
  const mixed = [exactNumber('9007199254740993'), 'a\nb']
  expect(arrayLiteral(mixed)).toBe('{"9007199254740993","a\nb"}')
})

it('numberText accepts only what Postgres numeric accepts', async () => {
  const texts = fc.sample(
    fc.oneof(fc.string(), fc.double().map(String), fc.stringMatching(/^[+-]?[\d.eE+-]{1,12}$/)),
    3000,
  )
  const numbers = texts.map(numberText).filter((text) => text !== null)
  expect(numbers.length).toBeGreaterThan(100)
  await service.db.query('select ($1::text[])::numeric[]', [numbers])
})
