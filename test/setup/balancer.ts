import { Agent, createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Balancer {
  readonly port: number
  /** The ports of the replicas. A replica that is not ready gets no request. */
  replicas: number[]
  /** Descriptions of the requests whose connection to the replica failed, which were answered 502. */
  readonly failed: string[]
  close(): void
}

/** Starts a small HTTP load balancer: round robin over the ready replicas, over keep-alive connections. */
export async function startBalancer(replicas: number[]): Promise<Balancer> {
  const agent = new Agent({ keepAlive: true })
  const failed: string[] = []
  const balancer = { replicas, failed, port: 0, close: () => {} }
  let ready = new Set(replicas)
  let turn = 0

  const server: Server = createServer(async (incoming, answer) => {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk)
    const { host, connection, ...headers } = incoming.headers
    const attempt = (ports: number[]): void => {
      const [port, ...others] = ports
      if (port === undefined) {
        answer.writeHead(503, { 'retry-after': '1' }).end()
        return
      }
      const outgoing = request({
        port,
        host: '127.0.0.1',
        agent,
        method: 'POST',
        path: incoming.url,
        headers,
      })
      outgoing.on('error', (error: NodeJS.ErrnoException) => {
        // The port is closed, so the request was not sent, and another replica can get it.
        if (error.code === 'ECONNREFUSED') attempt(others)
        else {
          failed.push(
            `${error.code} on ${outgoing.reusedSocket ? 'a keep-alive' : 'a new'} connection to ${port}`,
          )
          answer.writeHead(502).end()
        }
      })
      outgoing.on('response', (response) => {
        answer.writeHead(response.statusCode ?? 502, { 'content-type': 'application/json' })
        response.pipe(answer)
      })
      outgoing.end(Buffer.concat(chunks))
    }
    const candidates = balancer.replicas.filter((port) => ready.has(port))
    turn += 1
    attempt([...candidates.slice(turn % candidates.length), ...candidates.slice(0, turn % candidates.length)])
  })
  const checking = setInterval(async () => {
    const answers = await Promise.all(
      balancer.replicas.map(async (port) => ((await isReady(port)) ? port : 0)),
    )
    ready = new Set(answers)
  }, 100)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  balancer.port = (server.address() as AddressInfo).port
  balancer.close = () => {
    clearInterval(checking)
    agent.destroy()
    server.close()
    server.closeAllConnections()
  }
  return balancer
}

export async function isReady(port: number): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(300)
    return (await fetch(`http://127.0.0.1:${port}/health/ready`, { signal })).ok
  } catch {
    return false
  }
}
