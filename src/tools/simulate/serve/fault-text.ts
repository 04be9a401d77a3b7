import type { Faults } from './faults.ts'

type Kind = 'share' | 'count' | 'switch'

/** How the faults are written on a command line. */
const NAMES: Record<string, [fault: keyof Faults, kind: Kind]> = {
  500: ['error', 'share'],
  204: ['empty', 'share'],
  slow: ['slow', 'share'],
  'slow-ms': ['slowMs', 'count'],
  reset: ['reset', 'share'],
  malformed: ['malformed', 'share'],
  rate: ['rate', 'share'],
  'partial-pages': ['partialPages', 'share'],
  'quota-after': ['quotaAfter', 'count'],
  'plan-after': ['planAfter', 'count'],
  'expire-token': ['expireTokenAfter', 'count'],
  'brief-averages': ['briefAverages', 'switch'],
}

/** Reads a list such as `500=0.05,rate=0.02,quota-after=1000`. Throws an error that says what is wrong with it. */
export function faultsIn(text: string): Faults {
  return Object.fromEntries(
    text.split(',').map((part) => {
      const [name = '', value] = part.split('=')
      const known = Object.hasOwn(NAMES, name) ? NAMES[name] : undefined
      if (!known)
        throw new Error(`There is no fault "${name}". The faults are ${Object.keys(NAMES).join(', ')}.`)
      const [fault, kind] = known
      return [fault, numberOf(name, kind, value)]
    }),
  )
}

function numberOf(name: string, kind: Kind, text: string | undefined): number | true {
  if (kind === 'switch') {
    if (text !== undefined) throw new Error(`${name} has no value.`)
    return true
  }
  const number = text ? Number(text) : Number.NaN
  if (kind === 'share' && !(number >= 0 && number <= 1))
    throw new Error(`${name} needs a share from 0 to 1, such as ${name}=0.05.`)
  if (kind === 'count' && !(Number.isInteger(number) && number >= 0))
    throw new Error(`${name} needs a whole number, such as ${name}=100.`)
  return number
}
