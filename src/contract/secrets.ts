import { createHmac, hash, randomBytes, timingSafeEqual } from 'node:crypto'

const sha256 = (text: string) => hash('sha256', text, 'buffer')

/** Compares with every candidate, so that the time taken says nothing about which one matched. */
function anyEqual(presented: Buffer, candidates: readonly Buffer[]): boolean {
  let found = false
  for (const candidate of candidates) {
    if (timingSafeEqual(presented, candidate)) found = true
  }
  return found
}

/** API keys that are accepted. Digests are compared, so keys of any length take the same time. */
export function apiKeyCheck(keys: readonly string[]): (presented: string) => boolean {
  const digests = keys.map(sha256)
  return (presented) => anyEqual(sha256(presented), digests)
}

/** What an HMAC-SHA256 looks like. */
export const hex256 = /^[\da-f]{64}$/i

/** HMAC-SHA256 signatures in hex, of either case, over the exact bytes under any of the secrets. */
export function signatureCheck(secrets: readonly string[]): (presented: string, body: Buffer) => boolean {
  return (presented, body) => {
    if (!hex256.test(presented)) return false
    const candidates = secrets.map((secret) => createHmac('sha256', secret).update(body).digest())
    return anyEqual(Buffer.from(presented, 'hex'), candidates)
  }
}

/** What is kept of a presented key: enough to recognise it once it is configured, too little to use it. */
export function saltedHash(key: string, salt = randomBytes(16).toString('hex')): string {
  return `${salt}:${createHmac('sha256', salt).update(key).digest('hex')}`
}

/** The one of several configured keys that a salted hash was made of. */
export function keyOfHash(hashed: string, keys: readonly string[]): string | undefined {
  const salt = hashed.slice(0, hashed.indexOf(':'))
  return keys.find((key) => saltedHash(key, salt) === hashed)
}
