import type { Vendor } from '../../contract/vendor.ts'
import type { Delivery } from './read.ts'

/** Headers that curl writes itself, or that say nothing here. */
const LEFT_OUT = new Set(['user-agent', 'content-length', 'host'])

/**
 * A command for a shell that sends a delivery again, from the file that the page lets download. The shell inserts the
 * credential, which Nightpost shows to nobody.
 */
export function curlOf(vendor: Vendor, delivery: Delivery, address: string): string {
  const file = fileNameOf(delivery)
  const kept = Object.entries(delivery.headers).filter(([name]) => !LEFT_OUT.has(name))
  const headers = kept.map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`)
  const proof = proofOf(vendor, delivery)
  if (proof) headers.push(`-H "${proof.header}: ${headerValueOf(proof, file)}"`)
  return [`curl ${address}/webhooks/${vendor.name}`, ...headers, `--data-binary @${file}`].join(' \\\n  ')
}

export const fileNameOf = ({ deliveryId, headers }: Delivery): string =>
  `${deliveryId}.json${headers['content-encoding'] === 'gzip' ? '.gz' : ''}`

/** The header that carries the credential: a signature's if one proved the sender, otherwise a key's. */
function proofOf(vendor: Vendor, { authenticatedBy }: Delivery) {
  const wanted = authenticatedBy === 'signature' ? 'signature' : 'key'
  const proofs = Object.entries(vendor.proofs).map(([header, proof]) => ({ header, ...proof }))
  return proofs.find(({ kind }) => kind === wanted) ?? proofs[0]
}

function headerValueOf(
  { setting, algorithm }: { setting: string; algorithm?: string },
  file: string,
): string {
  const secret = `\${${setting}%%,*}`
  if (algorithm !== 'hmac-sha256-hex') return secret
  return `$(openssl dgst -sha256 -hmac "${secret}" -r ${file} | cut -d ' ' -f 1)`
}

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`
