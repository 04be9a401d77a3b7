import type { Authenticator, Credentials, Headers, Vendor } from '../contract/vendor.ts'

/**
 * Returns why a request is not authentic, as a label that holds no value: `missing`, `<header> wrong`, or
 * `<header> not configured` if it presents a kind of credential of which none is configured.
 */
export function refusalReason(
  vendor: Vendor,
  credentials: Credentials,
  { fromHeaders }: Authenticator,
  headers: Headers,
): string {
  const presented = Object.entries(vendor.proofs).filter(([header]) => headers[header])
  const checked = presented.filter(([, { setting }]) => credentials(setting).length > 0)
  const nothing = Object.fromEntries(presented.map(([header]) => [header, undefined]))
  const alone = (header: string) => fromHeaders({ ...headers, ...nothing, [header]: headers[header] })
  // If no header is wrong by itself, the body did not prove the signature.
  const wrong =
    checked.find(([header]) => alone(header) === null) ??
    checked.find(([header]) => alone(header) === undefined)
  if (wrong) return `${wrong[0]} wrong`
  return presented[0] ? `${presented[0][0]} not configured` : 'missing'
}

/** All reasons that `refusalReason` can return for a vendor. */
export function refusalReasons({ proofs }: Vendor): string[] {
  const of = (header: string) => [`${header} wrong`, `${header} not configured`]
  return ['missing', ...Object.keys(proofs).flatMap(of)]
}
