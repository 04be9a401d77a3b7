import { ProblemError } from '../contract/problem.ts'
import { hex256 } from '../contract/secrets.ts'
import type { Authenticator, Credentials, Headers, Proof, Vendor } from '../contract/vendor.ts'

/** Why a request is not authentic. Neither text holds a value of the request. */
export interface Refusal {
  /** `missing`, `<header> wrong` or `<header> not configured`: a label of metrics, so there are few. */
  readonly label: string
  /** The same in a sentence for the log, such as `x-signature does not match`. */
  readonly reason: string
}

/** Thrown if a request is not authentic. The sender gets the same 401 whatever the reason is. */
export class Refused extends ProblemError {
  readonly vendor: string
  /** `Refusal.reason`, for the log. */
  readonly reason: string

  constructor({ name }: Vendor, { reason }: Refusal) {
    super('unauthorized', 'No valid credential was presented.')
    this.vendor = name
    this.reason = reason
  }
}

/** Finds out why a request is not authentic. `headers` must be those of a request that was refused. */
export function refusalOf(
  vendor: Vendor,
  credentials: Credentials,
  { fromHeaders }: Authenticator,
  headers: Headers,
): Refusal {
  const proofs = Object.entries(vendor.proofs)
  const presented = proofs.filter(([header]) => headers[header])
  const isConfigured = ([, { setting }]: [string, Proof]) => credentials(setting).length > 0
  const checked = presented.filter(isConfigured)
  const nothing = Object.fromEntries(presented.map(([header]) => [header, undefined]))
  const alone = (header: string) => fromHeaders({ ...headers, ...nothing, [header]: headers[header] })
  // If no header is wrong by itself, the body did not prove the signature.
  const wrong =
    checked.find(([header]) => alone(header) === null) ??
    checked.find(([header]) => alone(header) === undefined)
  if (wrong) return wrongProof(wrong, headers)

  const missing = missingProofs(proofs.filter(isConfigured).map(([header]) => header))
  const [unusable] = presented
  if (!unusable) return { label: 'missing', reason: missing }
  const [header, { setting }] = unusable
  return {
    label: `${header} not configured`,
    reason: `${missing}; ${header} is not accepted, because ${setting} is not set`,
  }
}

function wrongProof([header, { algorithm }]: [string, Proof], headers: Headers): Refusal {
  const isMalformed = algorithm === 'hmac-sha256-hex' && !hex256.test(String(headers[header]))
  const fault = isMalformed ? 'is not 64 hex digits' : 'does not match'
  return { label: `${header} wrong`, reason: `${header} ${fault}` }
}

const missingProofs = (headers: readonly string[]) =>
  `${headers.join(' and ')} ${headers.length === 1 ? 'is' : 'are'} missing`

/** All labels that `refusalOf` can return for a vendor. */
export function refusalLabels({ proofs }: Vendor): string[] {
  const of = (header: string) => [`${header} wrong`, `${header} not configured`]
  return ['missing', ...Object.keys(proofs).flatMap(of)]
}
