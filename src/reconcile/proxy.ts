import { type Dispatcher, EnvHttpProxyAgent } from 'undici'
import { StopPull } from '../contract/pull.ts'
import type { CallLimits } from './limits.ts'

/** Hosts that are on this machine, where a proxy could not reach them. */
const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']

/**
 * Connections to a vendor's API, through the proxy that `HTTPS_PROXY` names, unless `NO_PROXY` names the API's host (for an API
 * without TLS: `HTTP_PROXY`). The same names in lower case come first. Throws `StopPull` if the proxy's URL can't be used.
 */
export function proxyAgent({
  connectWithin,
  answerWithin,
  answerBytes,
  concurrent,
}: Pick<CallLimits, 'connectWithin' | 'answerWithin' | 'answerBytes' | 'concurrent'>): Dispatcher {
  const { no_proxy, NO_PROXY } = process.env
  const connect = { timeout: connectWithin }
  const options = {
    noProxy: [no_proxy ?? NO_PROXY ?? '', ...LOOPBACK].join(','),
    // The first is for connections without a proxy. The declared type leaves it out.
    ...{ connect, requestTls: connect, proxyTls: connect },
    headersTimeout: answerWithin,
    bodyTimeout: answerWithin,
    maxResponseSize: answerBytes,
    connections: concurrent,
  }
  try {
    return new EnvHttpProxyAgent(options)
  } catch {
    // The error would show the URL, which may have a password.
    throw new StopPull('HTTPS_PROXY or HTTP_PROXY is not the URL of a proxy.')
  }
}
