import { apiKeyCheck, signatureCheck } from '../../ingest/secrets.ts'
import type { Authenticate } from '../../ingest/vendor.ts'

/**
 * Sahha proves itself by `X-Signature` over the exact bytes, or by `x-api-key`.
 * Every credential that is presented and can be checked must hold; a signature decides before a key.
 */
export function authenticator(apiKeys: readonly string[], secrets: readonly string[]): Authenticate | null {
  if (apiKeys.length + secrets.length === 0) return null
  const isKey = apiKeyCheck(apiKeys)
  const isSignature = signatureCheck(secrets)

  return (headers, body) => {
    const signature = (secrets.length > 0 && headers['x-signature']) || undefined
    const key = (apiKeys.length > 0 && headers['x-api-key']) || undefined
    if (signature !== undefined && !(typeof signature === 'string' && isSignature(signature, body)))
      return null
    if (key !== undefined && !(typeof key === 'string' && isKey(key))) return null
    if (signature !== undefined) return 'signature'
    return key === undefined ? null : 'api_key'
  }
}
