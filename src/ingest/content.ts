import { gunzipSync } from 'node:zlib'
import { type Problem, problem } from '../problem.ts'
import { hex256 } from './secrets.ts'
import type { Authenticate, Headers, Vendor } from './vendor.ts'

/**
 * The body that the bytes on the wire stand for. `Content-Encoding` may be gzip; unpacked, a body may be no
 * larger than one that comes as it is, so a small request can't fill the memory.
 */
export function contentOf(headers: Headers, bytes: Buffer, limit: number): Buffer | Problem {
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? ''
  if (encoding === '' || encoding === 'identity') return bytes
  if (!isGzip(encoding))
    return problem('malformed_json', 'The Content-Encoding is neither gzip nor identity.')
  try {
    return gunzipSync(bytes, { maxOutputLength: limit })
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
      ? problem('body_too_large', 'The unpacked body is larger than BODY_LIMIT_BYTES.')
      : problem('malformed_json', 'The body is not valid gzip.')
  }
}

const isGzip = (encoding: string) => encoding === 'gzip' || encoding === 'x-gzip'

/**
 * Who sends packed bytes may have signed them before or after packing, and a proxy on the way may have
 * packed them: either proves the sender. Only for a signature that could be one are they unpacked.
 */
export function ofContent({ proofs }: Vendor, authenticate: Authenticate, limit: number): Authenticate {
  const signatures = Object.entries(proofs).flatMap(([name, { kind }]) =>
    kind === 'signature' ? [name] : [],
  )
  return (headers, bytes) => {
    const scheme = authenticate(headers, bytes)
    if (scheme !== null || headers['content-encoding'] === undefined) return scheme
    if (!signatures.some((name) => isSignature(headers[name]))) return null
    const content = contentOf(headers, bytes, limit)
    return Buffer.isBuffer(content) && content !== bytes ? authenticate(headers, content) : null
  }
}

const isSignature = (value: unknown) => typeof value === 'string' && hex256.test(value)
