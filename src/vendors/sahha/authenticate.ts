import { apiKeyCheck, hex256, signatureCheck } from '../../contract/secrets.ts'
import type { Authenticator, Headers } from '../../contract/vendor.ts'

/**
 * Sahha proves itself by `X-Signature` over the exact bytes, or by `x-api-key`. Every presented credential of a
 * configured kind must be right. If both are, the scheme is `signature`.
 */
export function authenticator(apiKeys: readonly string[], secrets: readonly string[]): Authenticator | null {
  if (apiKeys.length + secrets.length === 0) return null
  const isKey = apiKeyCheck(apiKeys)
  const isSignature = signatureCheck(secrets)
  const signatureOf = (headers: Headers) => (secrets.length > 0 && headers['x-signature']) || undefined

  const fromHeaders = (headers: Headers) => {
    const signature = signatureOf(headers)
    const key = (apiKeys.length > 0 && headers['x-api-key']) || undefined
    if (signature !== undefined && !(typeof signature === 'string' && hex256.test(signature))) return null
    if (key !== undefined && !(typeof key === 'string' && isKey(key))) return null
    if (signature !== undefined) return undefined
    return key === undefined ? null : 'api_key'
  }
  return {
    fromHeaders,
    authenticate(headers, body) {
      const scheme = fromHeaders(headers)
      if (scheme !== undefined) return scheme
      return isSignature(signatureOf(headers) as string, body) ? 'signature' : null
    },
  }
}
