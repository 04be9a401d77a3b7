import type { Vendor } from '../../contract/vendor.ts'
import type { Metrics } from '../../ops/metrics/index.ts'

/** Requests of a vendor that this process answered 401, by what was wrong. */
export interface RefusedCount {
  readonly vendor: string
  /** In words: which header was missing, or did not match. Never its value. */
  readonly reason: string
  readonly count: number
  readonly lastAt: Date
}

/** The requests that were refused since the start, the latest first. */
export async function refusedSince(metrics: Metrics, vendors: readonly Vendor[]): Promise<RefusedCount[]> {
  const counts = await metrics.authenticationFailures.samples()
  const latest = await metrics.lastAuthenticationFailure.samples()
  return latest
    .map(({ labels, value: seconds }) => {
      const [name, label] = [String(labels.vendor), String(labels.reason)]
      const count =
        counts.find((one) => one.labels.vendor === name && one.labels.reason === label)?.value ?? 0
      const vendor = vendors.find((one) => one.name === name)
      return { vendor: name, reason: inWords(label, vendor), count, lastAt: new Date(seconds * 1000) }
    })
    .filter(({ count }) => count > 0)
    .sort((a, b) => b.lastAt.getTime() - a.lastAt.getTime())
}

/** The labels are those of `refusalOf` in src/ingest/refusal.ts. */
function inWords(label: string, vendor: Vendor | undefined): string {
  const headers = Object.keys(vendor?.proofs ?? {})
  if (label === 'missing') return `no credential: ${headers.join(' and ')} missing`
  const [, header = '', fault] = /^(\S+) (wrong|not configured)$/.exec(label) ?? []
  const setting = vendor?.proofs[header]?.setting
  if (fault === 'wrong') return `${header} does not match ${setting}`
  if (fault) return `${header} is not accepted, because ${setting} is not set`
  return label
}
