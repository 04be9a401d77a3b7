import { Agent, createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Balancer {
  readonly port: number
  /** The ports of the replicas; those that are not ready get nothing. */
  replicas: number[]
  /** Requests that broke off in the middle, which a balancer answers with 502. */
  readonly broken: string[]
  close(): void
}

/** A small HTTP balancer as they all are: round robin over what is ready, connections kept open. */
export async function startBalancer(replicas: number[]): Promise<Balancer> {
  const agent = new Agent({ keepAlive: true })
  const broken: string[] = []
  const balancer = { replicas, broken, port: 0, close: () => {} }
  let ready = new Set(replicas)
  let turn = 0

  const server: Server = createServer(async (incoming, answer) => {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk)
    const { host, connection, ...headers } = incoming.headers
    const attempt = (left: number[]): void => {
      const [port, ...others] = left
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
        // Nothing listens there: the request was not sent, so another replica may have it.
        if (error.code === 'ECONNREFUSED') attempt(others)
        else {
          broken.push(`${error.code} on ${outgoing.reusedSocket ? 'a kept' : 'a new'} connection to ${port}`)
          answer.writeHead(502).end()
        }
      })
      outgoing.on('response', (response) => {
        answer.writeHead(response.statusCode ?? 502, { 'content-type': 'application/json' })
        response.pipe(answer)
      })
      outgoing.end(Buffer.concat(chunks))
    }
    const choice = balancer.replicas.filter((port) => ready.has(port))
    turn += 1
    attempt([...choice.slice(turn % choice.length), ...choice.slice(0, turn % choice.length)])
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
