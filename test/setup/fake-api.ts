import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface FakeAnswer {
  readonly status?: number
  /** Text as it is, or a value that is sent as JSON. */
  readonly body?: unknown
  readonly headers?: Record<string, string>
}

export interface FakeApi {
  readonly url: string
  /** The requests that came: method, address and headers. */
  readonly requests: Array<{ line: string; headers: IncomingMessage['headers'] }>
  /** Answers from now on. */
  answer: (url: URL, request: IncomingMessage) => FakeAnswer
  close(): Promise<void>
}

/** An HTTP server whose answers the test gives. */
export async function startFakeApi(): Promise<FakeApi> {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost')
    api.requests.push({ line: `${request.method} ${url.pathname}${url.search}`, headers: request.headers })
    const { status = 200, body, headers = {} } = api.answer(url, request)
    const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const api: FakeApi = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: [],
    answer: () => ({ status: 404 }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return api
}
