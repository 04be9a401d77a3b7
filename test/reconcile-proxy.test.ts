import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { StopPull } from '../src/contract/pull.ts'
import { Clock } from '../src/ingest/clock.ts'
import { Requests } from '../src/reconcile/requests.ts'
import { type FakeApi, startFakeApi } from './setup/fake-api.ts'
import { fastLimits } from './setup/reconcile.ts'

const call = { path: '/v1/nights', headers: { 'x-api-key': 'a-key' } }

let api: FakeApi
let proxy: Server
/** What the proxy was asked for: the host and the port, and its own credentials. */
const asked: Array<{ target: string | undefined; credentials: string | undefined }> = []

beforeAll(async () => {
  api = await startFakeApi()
  api.answer = () => ({ body: { nights: 3 } })
  proxy = createServer()
  proxy.on('connect', (request, client) => {
    asked.push({ target: request.url, credentials: request.headers['proxy-authorization'] })
    if (request.url?.startsWith('forbidden.')) {
      client.end('HTTP/1.1 407 No\r\n\r\n')
      return
    }
    const { port } = new URL(api.url)
    const server = connect(Number(port), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n')
      server.pipe(client).pipe(server)
    })
    for (const socket of [server, client]) socket.on('error', () => socket.destroy())
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
})
afterEach(() => {
  vi.unstubAllEnvs()
  asked.length = 0
  api.requests.length = 0
})
afterAll(async () => {
  proxy.closeAllConnections()
  proxy.close()
  await api.close()
})

const proxyUrl = (user = '') => `http://${user}127.0.0.1:${(proxy.address() as AddressInfo).port}`

async function send(url: string): Promise<unknown> {
  const requests = new Requests({
    url,
    pull: {},
    limits: { ...fastLimits, attempts: 1 },
    clock: new Clock(),
    signal: new AbortController().signal,
    kill: null,
    onCall: () => {},
  })
  try {
    return (await requests.send(call)).json
  } finally {
    await requests.close()
  }
}

describe('a proxy on the way to the vendor', () => {
  it('is used if the environment names it, with its credentials', async () => {
    vi.stubEnv('HTTP_PROXY', proxyUrl('a-user:a-password@'))
    expect(await send('http://api.vendor.example')).toEqual({ nights: 3 })
    const credentials = `Basic ${Buffer.from('a-user:a-password').toString('base64')}`
    expect(asked).toEqual([{ target: 'api.vendor.example:80', credentials }])
    expect(api.requests[0]?.line).toBe('GET /v1/nights')
    expect(api.requests[0]?.headers).not.toHaveProperty('proxy-authorization')
  })

  it('is asked for a tunnel by HTTPS_PROXY for an API with TLS', async () => {
    vi.stubEnv('https_proxy', proxyUrl())
    await expect(send('https://forbidden.example')).rejects.toThrow('GET /v1/nights failed 1 times (network)')
    expect(asked).toEqual([{ target: 'forbidden.example:443', credentials: undefined }])
  })

  it('is not used for a host that NO_PROXY names, nor for this machine', async () => {
    vi.stubEnv('HTTP_PROXY', proxyUrl())
    vi.stubEnv('NO_PROXY', 'vendor.invalid')
    await expect(send('http://api.vendor.invalid')).rejects.toThrow('(network)')
    expect(await send(api.url)).toEqual({ nights: 3 })
    expect(await send(api.url.replace('127.0.0.1', 'localhost'))).toEqual({ nights: 3 })
    expect(asked).toEqual([])
  })

  it('ends the run if its URL can not be used, without showing it', async () => {
    vi.stubEnv('HTTP_PROXY', 'a-user:a-password@proxy')
    await expect(send('http://api.vendor.example')).rejects.toEqual(
      new StopPull('HTTPS_PROXY or HTTP_PROXY is not the URL of a proxy.'),
    )
  })
})
