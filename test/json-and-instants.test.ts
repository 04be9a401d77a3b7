import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isExactNumber } from '../src/contract/exact-number.ts'
import { instant, isInstant, localDate, unixTime, utcOffsetMinutes } from '../src/contract/instant.ts'
import { jsonText, readJson } from '../src/contract/json.ts'

describe('readJson', () => {
  const read = (value: unknown) => readJson(Buffer.from(JSON.stringify({ value }))).value

  it('agrees with JSON.parse if a double and Postgres can represent the value', () => {
    const storable = fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0'))
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'grapheme' }), storable, (value, text) => {
        const source = JSON.stringify({ value, text })
        if (source.includes('\\u0000')) return
        expect(jsonText(readJson(Buffer.from(source)))).toBe(source)
      }),
    )
  })

  it('replaces only the characters that Postgres can not store: NUL and lone surrogates', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)) }),
        (text) => {
          expect(read(text)).toBe(text.toWellFormed().replaceAll('\0', '\ufffd'))
        },
      ),
    )
  })

  it('preserves every digit of every number', () => {
    const digits = fc.stringMatching(/^-?(0|[1-9]\d{0,30})(\.\d{1,30})?(e[+-]?\d{1,3})?$/)
    fc.assert(
      fc.property(digits, (number) => {
        const value = readJson(Buffer.from(`{"a":[${number}],"b":${number}}`)).b
        if (isExactNumber(value)) expect(value()).toBe(number)
        else expect(canonical(String(value))).toBe(canonical(number))
      }),
      { numRuns: 2000 },
    )
  })

  it('refuses invalid JSON with long numbers', () => {
    const long = '12345678901234567890'
    for (const text of [
      `{${long}:1}`,
      `{"a":0${long}}`,
      `{"a":${long}.}`,
      `{"a":${long}.1.2}`,
      `{"a":+${long}}`,
      `{"a":${long}e}`,
      `{"a":${long}"b"}`,
      `{"a":${long} ${long}}`,
      `{"a" ${long}}`,
    ]) {
      expect(() => readJson(Buffer.from(text)), text).toThrow('not JSON')
    }
  })

  it('does not change digits in strings and keys, and sets no prototype', () => {
    const long = '12345678901234567890'
    const text = `{"a":"x: ${long}","b\\"":${long},"${long}":[[${long}]],"__proto__":${long},"c":"\\\\","d":"${long}"}`
    expect(jsonText(readJson(Buffer.from(text)))).toBe(text)
  })
})

/** A decimal number as sign, significant digits and power of ten, so that equal numbers have equal texts. */
function canonical(number: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/.exec(number) ?? []
  const digits = (whole + fraction).replace(/^0+/, '')
  const significant = digits.replace(/0+$/, '')
  if (significant === '') return '0'
  return `${sign}${significant}e${Number(exponent) - fraction.length + digits.length - significant.length}`
}

describe('instant, isInstant, unixTime, utcOffsetMinutes and localDate', () => {
  it('agree with Date for every instant and offset', () => {
    const dates = fc.date({ min: new Date('0002-01-01'), max: new Date('9998-12-31'), noInvalidDate: true })
    fc.assert(
      fc.property(dates, fc.integer({ min: -15 * 60, max: 15 * 60 }), (date, offset) => {
        const sign = offset < 0 ? '-' : '+'
        const two = (value: number) => String(Math.floor(Math.abs(value))).padStart(2, '0')
        const local = new Date(date.getTime() + offset * 60_000).toISOString().slice(0, -1)
        const text = `${local}${sign}${two(offset / 60)}:${two(offset % 60)}`
        expect(isInstant(text)).toBe(true)
        expect(new Date(instant(text) as string).getTime()).toBe(date.getTime())
        for (const form of [text, text.replace('T', ' '), text.replace(/:(\d\d)$/, '$1')])
          expect(unixTime(form)).toBe(date.getTime())
        expect(utcOffsetMinutes(text)).toBe(offset + 0)
        expect(localDate(text)).toBe(local.slice(0, 10))
      }),
    )
  })

  it('read an instant without an offset as UTC, and an offset of hours alone', () => {
    const noon = Date.parse('2025-06-01T12:00:00Z')
    for (const text of [
      '2025-06-01T12:00',
      '2025-06-01t12:00z',
      '2025-06-01T21:00+09',
      '2025-06-01T07:00-05',
    ])
      expect(unixTime(text), text).toBe(noon)
    expect(unixTime('2025-06-01')).toBe(Date.parse('2025-06-01T00:00:00Z'))
    expect(unixTime(null)).toBe(null)
  })

  it('refuse instants that do not exist or are not ISO 8601', () => {
    for (const text of [
      '',
      'today',
      '2025-13-01',
      '2025-00-10',
      '2025-04-31',
      '1900-02-29',
      '2025-01-01T24:00',
      '2025-01-01T00:60',
      '2025-01-01T00:00:60',
      '2025-01-01T00:00:00+16:00',
      '2025-01-01T00:00:00 Z',
      '0000-01-01',
      '2025-1-1',
      '2025-01-01T00:00:00.Z',
      '2025-01-01+01:00',
    ]) {
      expect(isInstant(text), text).toBe(false)
    }
    expect(isInstant('2024-02-29')).toBe(true)
    expect(isInstant('2000-02-29')).toBe(true)
  })
})
