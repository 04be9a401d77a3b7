import { gunzipSync } from 'node:zlib'
import { type Problem, problem } from '../contract/problem.ts'
import { hex256 } from '../contract/secrets.ts'
import type { Authenticator, Headers, Vendor } from '../contract/vendor.ts'

/**
 * Unpacks a body synchronously if its `Content-Encoding` is gzip. Returns a problem if it can't be unpacked or if the
 * unpacked body has more than `limit` bytes, so that a small request can't fill the memory.
 */
export function contentOf(headers: Headers, bytes: Buffer, limit: number): Buffer | Problem {
  const encoding = encodingOf(headers)
  if (encoding !== 'gzip') return encoding ?? bytes
  try {
    return gunzipSync(bytes, { maxOutputLength: limit })
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? tooLargeUnpacked() : badGzip()
  }
}

/** The encoding of a body: null if it isn't compressed, and a problem if Nightpost doesn't support the encoding. */
export function encodingOf(headers: Headers): 'gzip' | null | Problem {
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? ''
  if (encoding === '' || encoding === 'identity') return null
  if (encoding === 'gzip' || encoding === 'x-gzip') return 'gzip'
  return problem('malformed_json', 'The Content-Encoding is neither gzip nor identity.')
}

export const tooLargeUnpacked = () =>
  problem('body_too_large', 'The unpacked body is larger than BODY_LIMIT_BYTES.')

export const badGzip = () => problem('malformed_json', 'The body is not valid gzip.')

/**
 * Proves the sender of a stored body. Returns the name of the scheme, or null. The sender may have signed a gzip body
 * before or after compressing it, and a proxy may have compressed it, so both forms are checked. The body is unpacked
 * only if a header has the form of a signature.
 */
export function proveContent(
  vendor: Vendor,
  { authenticate }: Authenticator,
  headers: Headers,
  bytes: Buffer,
  limit: number,
): string | null {
  const scheme = authenticate(headers, bytes)
  if (scheme !== null || encodingOf(headers) !== 'gzip' || !hasSignature(vendor, headers)) return scheme
  const content = contentOf(headers, bytes, limit)
  return Buffer.isBuffer(content) ? authenticate(headers, content) : null
}

/** Whether a header has the form of a signature (HMAC-SHA256 in hex). */
export function hasSignature({ proofs }: Vendor, headers: Headers): boolean {
  return Object.entries(proofs).some(([name, { kind }]) => {
    const value = headers[name]
    return kind === 'signature' && typeof value === 'string' && hex256.test(value)
  })
}
