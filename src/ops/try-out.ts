import type { Vendor } from '../contract/vendor.ts'

/** The start of the fragment of a link to `/docs/` that fills in credentials. */
const PREFIX = '#credentials?'

/**
 * The part of a link to `/docs/` that fills in credentials: `#credentials?<setting>=<value>&…`. A browser keeps a
 * fragment to itself, so no answer of the service needs to hold a credential, whoever can reach it (a tunnel brings
 * strangers to the loopback address).
 */
export function credentialsFragment(
  vendors: readonly Vendor[],
  credentials: (setting: string) => readonly string[],
): string {
  const values = new URLSearchParams()
  for (const setting of vendors.flatMap((vendor) => Object.keys(vendor.credentials))) {
    const [value] = credentials(setting)
    if (value !== undefined) values.set(setting, value)
  }
  return `${PREFIX}${values}`
}

/**
 * The script that the pages at `/docs` load in development. It fills in the credentials of the fragment, and replaces
 * the secret that somebody typed for a signature by the signature of the body under that secret.
 */
export function tryOutScript(vendors: readonly Vendor[]): string {
  const signed = vendors.flatMap(({ proofs }) =>
    Object.entries(proofs).flatMap(([header, { algorithm }]) =>
      algorithm === 'hmac-sha256-hex' ? [header] : [],
    ),
  )
  return `(() => {
  const signed = new Set(${JSON.stringify(signed)})
  const prefix = ${JSON.stringify(PREFIX)}
  const given = location.hash.startsWith(prefix) ? location.hash.slice(prefix.length) : ''
  // The credentials must not stay in the address bar, and Swagger UI would take the fragment for the name of a route.
  if (given) history.replaceState(null, '', location.pathname + location.search)

  const sign = async (secret, body) => {
    if (!crypto.subtle) throw new Error('A browser signs only on https:// or on 127.0.0.1')
    const bytes = (text) => new TextEncoder().encode(text)
    const algorithm = { name: 'HMAC', hash: 'SHA-256' }
    const key = await crypto.subtle.importKey('raw', bytes(secret), algorithm, false, ['sign'])
    const signature = new Uint8Array(await crypto.subtle.sign(algorithm, key, bytes(body)))
    return Array.from(signature, (byte) => byte.toString(16).padStart(2, '0')).join('')
  }
  const requestInterceptor = async (request) => {
    for (const [name, value] of Object.entries(request.headers ?? {})) {
      if (signed.has(name.toLowerCase())) request.headers[name] = await sign(value, request.body ?? '')
    }
    return request
  }

  const bundle = window.SwaggerUIBundle
  const withTryOut = (config) => {
    const onComplete = () => {
      for (const [setting, value] of new URLSearchParams(given)) ui.preauthorizeApiKey(setting, value)
    }
    const ui = bundle({ ...config, requestInterceptor, onComplete })
    return ui
  }
  window.SwaggerUIBundle = Object.assign(withTryOut, bundle)
})()
`
}
