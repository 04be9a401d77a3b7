import { connect, createServer, type Socket } from 'node:net'

/** A TCP proxy between Nightpost and Postgres that can cut connections or stop forwarding. */
export interface FaultyProxy {
  readonly port: number
  /** From now on, a connection is cut with this probability whenever data arrive on it. */
  setCutProbability(probability: number): void
  /** While frozen, forwards nothing in either direction and closes nothing, like an unplugged cable. */
  setFrozen(isFrozen: boolean): void
  close(): void
}

/** Starts a proxy to `targetPort` on this machine. */
export async function startProxy(targetPort: number, random: () => number): Promise<FaultyProxy> {
  const pairs = new Set<readonly [Socket, Socket]>()
  let cutProbability = 0
  let isFrozen = false

  const server = createServer((client) => {
    const upstream = connect(targetPort, '127.0.0.1')
    const pair = [client, upstream] as const
    pairs.add(pair)
    const end = () => {
      for (const socket of pair) socket.destroy()
      pairs.delete(pair)
    }
    for (const [from, to] of [pair, [upstream, client] as const]) {
      from.setNoDelay(true)
      from.on('error', end)
      from.on('close', end)
      from.on('data', (data) => {
        // If the data come from Nightpost, the statement never arrives. If they come from Postgres, the transaction may
        // be committed although Nightpost gets no answer.
        if (random() < cutProbability) return end()
        to.write(data)
      })
      if (isFrozen) from.pause()
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    port: typeof address === 'object' ? (address?.port ?? 0) : 0,
    setCutProbability(next) {
      cutProbability = next
    },
    setFrozen(next) {
      isFrozen = next
      for (const pair of pairs) for (const socket of pair) isFrozen ? socket.pause() : socket.resume()
    },
    close() {
      server.close()
      for (const pair of pairs) for (const socket of pair) socket.destroy()
    },
  }
}
