import { gunzipSync } from 'node:zlib'
import { type Problem, problem } from '../contract/problem.ts'
import { hex256 } from '../contract/secrets.ts'
import type { Authenticator, Headers, Vendor } from '../contract/vendor.ts'

/**
 * The body that the bytes on the wire stand for. `Content-Encoding` may be gzip; unpacked, a body may be no
 * larger than one that comes as it is, so a small request can't fill the memory.
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

/** How the bytes are packed: null where they aren't, and a problem where Nightpost can't unpack them. */
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
 * Who sends packed bytes may have signed them before or after packing, and a proxy on the way may have
 * packed them: either proves the sender. Only for a signature that could be one are they unpacked.
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

/** Whether a header looks like a signature of the body. */
export function hasSignature({ proofs }: Vendor, headers: Headers): boolean {
  return Object.entries(proofs).some(([name, { kind }]) => {
    const value = headers[name]
    return kind === 'signature' && typeof value === 'string' && hex256.test(value)
  })
}
