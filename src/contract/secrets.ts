import { createHmac, hash, randomBytes, timingSafeEqual } from 'node:crypto'

const sha256 = (text: string) => hash('sha256', text, 'buffer')

/** Compares with every candidate, so that the time doesn't depend on which one matches. */
function anyEqual(presented: Buffer, candidates: readonly Buffer[]): boolean {
  let found = false
  for (const candidate of candidates) {
    if (timingSafeEqual(presented, candidate)) found = true
  }
  return found
}

/**
 * Returns a function that tells whether a presented key is one of `keys`. It compares digests, so that the time doesn't
 * depend on the length of the key.
 */
export function apiKeyCheck(keys: readonly string[]): (presented: string) => boolean {
  const digests = keys.map(sha256)
  return (presented) => anyEqual(sha256(presented), digests)
}

/** An HMAC-SHA256 in hex, of either case. */
export const hex256 = /^[\da-f]{64}$/i

/** Returns a function that tells whether a signature is the HMAC-SHA256 of the body, in hex, under one of `secrets`. */
export function signatureCheck(secrets: readonly string[]): (presented: string, body: Buffer) => boolean {
  return (presented, body) => {
    if (!hex256.test(presented)) return false
    const candidates = secrets.map((secret) => createHmac('sha256', secret).update(body).digest())
    return anyEqual(Buffer.from(presented, 'hex'), candidates)
  }
}

/**
 * The form in which the quarantine stores a presented key, `salt:hash` in hex: enough to recognise the key once it is
 * configured, but the key can't be recovered from it.
 */
export function saltedHash(key: string, salt = randomBytes(16).toString('hex')): string {
  return `${salt}:${createHmac('sha256', salt).update(key).digest('hex')}`
}

/** Returns the configured key that `hashed` was made of; undefined if none matches. */
export function keyOfHash(hashed: string, keys: readonly string[]): string | undefined {
  const salt = hashed.slice(0, hashed.indexOf(':'))
  return keys.find((key) => saltedHash(key, salt) === hashed)
}
