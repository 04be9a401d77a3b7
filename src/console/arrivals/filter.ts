import type { FastifyRequest } from 'fastify'
import { parameterOf } from '../request.ts'

/** Which deliveries to show. Every part stands in the URL, so that a view can be shared; '' is no condition. */
export interface Filter {
  readonly vendor: string
  readonly event: string
  readonly outcome: string
  /** The id of a person, of a vendor's user, or of the owner of the data. */
  readonly user: string
  /** Bounds of the arrival in UTC, as `<input type="datetime-local">` writes them. */
  readonly from: string
  readonly to: string
}

export const OUTCOMES = ['stored', 'rejected', 'unrecognised'] as const

const local = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$/

export function filterOf(request: FastifyRequest): Filter {
  const time = (name: string) => {
    const text = parameterOf(request, name)
    return local.test(text) && !Number.isNaN(Date.parse(`${text}Z`)) ? text : ''
  }
  const outcome = parameterOf(request, 'outcome')
  return {
    vendor: parameterOf(request, 'vendor'),
    event: parameterOf(request, 'event'),
    outcome: OUTCOMES.some((known) => known === outcome) ? outcome : '',
    user: parameterOf(request, 'user'),
    from: time('from'),
    to: time('to'),
  }
}

/** Milliseconds of Unix time of a bound; null if it is none. */
export const instantOf = (bound: string): number | null => (bound === '' ? null : Date.parse(`${bound}Z`))

/** The filter as the query of a URL, with `more` after it; '' if both are empty. */
export function queryOf(filter: Filter, more: Readonly<Record<string, string>> = {}): string {
  const given = Object.entries({ ...filter, ...more }).filter(([, value]) => value !== '')
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`
}

export const isFiltered = (filter: Filter): boolean => Object.values(filter).some((value) => value !== '')
