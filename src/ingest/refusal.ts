import type { Authenticate, Headers, Vendor } from './vendor.ts'

/**
 * Why a request is not authentic, in words that are safe to count and to show: `missing`, `<header> wrong`,
 * or `<header> not configured` where it carries a credential of a kind that has none to be checked against.
 */
export function refusalReason(
  vendor: Vendor,
  credentials: (name: string) => readonly string[],
  authenticate: Authenticate,
  headers: Headers,
  body: Buffer,
): string {
  const presented = Object.entries(vendor.proofs).filter(([header]) => headers[header])
  const checked = presented.filter(([, { setting }]) => credentials(setting).length > 0)
  const nothing = Object.fromEntries(presented.map(([header]) => [header, undefined]))
  const only = (header: string) => ({ ...headers, ...nothing, [header]: headers[header] })
  const wrong = checked.find(([header]) => authenticate(only(header), body) === null)
  if (wrong) return `${wrong[0]} wrong`
  return presented[0] ? `${presented[0][0]} not configured` : 'missing'
}

/** Every reason that there can be. */
export function refusalReasons({ proofs }: Vendor): string[] {
  const of = (header: string) => [`${header} wrong`, `${header} not configured`]
  return ['missing', ...Object.keys(proofs).flatMap(of)]
}
