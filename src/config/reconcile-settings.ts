import { type TObject, type TSchema, Type } from '@sinclair/typebox'
import { vendors } from '../vendors/index.ts'

/** The settings of `nightpost reconcile` and of its schedule. */
export const reconcileProperties = {
  RECONCILE_EVERY: Type.String({
    default: 'off',
    pattern: '^(off|[1-9][0-9]{0,3}[hd])$',
    allowed: 'off, or a number of hours or days, such as 24h',
    description: "How often the service asks the vendors' APIs for what never came, such as 24h; off: never",
  }),
  RECONCILE_DAYS: Type.Integer({
    default: 7,
    minimum: 1,
    maximum: 3_650,
    description: 'Days before now that the service asks about, at every run of RECONCILE_EVERY',
  }),
  RECONCILE_CALLS_PER_MINUTE: Type.Integer({
    default: 600,
    minimum: 1,
    maximum: 60_000,
    description: 'Requests per minute to the API of one vendor',
  }),
  RECONCILE_MAX_CALLS: Type.Integer({
    default: 100_000,
    minimum: 1,
    maximum: 1e9,
    description: 'Requests of one run to the API of one vendor; after them the run ends incomplete',
  }),
}

/** What is sent there carries a credential. So it goes to another machine only over TLS. */
const ApiAddress = (description: string, address: string) =>
  Type.String({
    default: address,
    pattern: '^(https://[^/?#@]+|http://(localhost|127[.]0[.]0[.]1|\\[::1\\])(:[0-9]+)?)(/[^?#@]*)?$',
    allowed: 'https://host/path; http:// only for localhost',
    description,
  })

const pulls = vendors.flatMap(({ pull }) => pull ?? [])

/** The settings that the vendors declare for their pull. */
export const PullSettings: TObject = Type.Object(
  Object.fromEntries(
    pulls.flatMap((pull) =>
      Object.entries(pull.settings).map(([name, setting]): [string, TSchema] => {
        const { description, secret = false, default: value } = setting
        if (name === pull.url) return [name, ApiAddress(description, value ?? '')]
        const schema = Type.String({ description, secret, ...(value !== undefined && { default: value }) })
        return [name, value === undefined ? Type.Optional(schema) : schema]
      }),
    ),
  ),
)

/** Milliseconds of RECONCILE_EVERY; null if it is off. */
export function everyOf(text: string): number | null {
  const hours = Number.parseInt(text, 10)
  if (Number.isNaN(hours)) return null
  return hours * (text.endsWith('d') ? 24 : 1) * 3_600_000
}
