import type { Authenticator, Headers, Vendor } from '../contract/vendor.ts'

/**
 * Why a request is not authentic, in words that are safe to count and to show: `missing`, `<header> wrong`,
 * or `<header> not configured` where it carries a credential of a kind that has none to be checked against.
 */
export function refusalReason(
  vendor: Vendor,
  credentials: (name: string) => readonly string[],
  { fromHeaders }: Authenticator,
  headers: Headers,
): string {
  const presented = Object.entries(vendor.proofs).filter(([header]) => headers[header])
  const checked = presented.filter(([, { setting }]) => credentials(setting).length > 0)
  const nothing = Object.fromEntries(presented.map(([header]) => [header, undefined]))
  const alone = (header: string) => fromHeaders({ ...headers, ...nothing, [header]: headers[header] })
  // Where no header is wrong by itself, it is the one that only the body could have proved.
  const wrong =
    checked.find(([header]) => alone(header) === null) ??
    checked.find(([header]) => alone(header) === undefined)
  if (wrong) return `${wrong[0]} wrong`
  return presented[0] ? `${presented[0][0]} not configured` : 'missing'
}

/** Every reason that there can be. */
export function refusalReasons({ proofs }: Vendor): string[] {
  const of = (header: string) => [`${header} wrong`, `${header} not configured`]
  return ['missing', ...Object.keys(proofs).flatMap(of)]
}
