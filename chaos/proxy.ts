import { connect, createServer, type Socket } from 'node:net'

/** A wire between Nightpost and Postgres that can be cut, or stop carrying. */
export interface Wire {
  readonly port: number
  /** From now on a connection is cut, with this chance, whenever it carries something. */
  cutting(chance: number): void
  /** Carries nothing, in neither direction, and drops nothing: as if a cable were pulled. */
  freeze(isFrozen: boolean): void
  close(): void
}

export async function startProxy(target: number, random: () => number): Promise<Wire> {
  const pairs = new Set<readonly [Socket, Socket]>()
  let chance = 0
  let isFrozen = false

  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1')
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
        // Cut towards Postgres the statement never arrives; cut towards Nightpost it may be committed.
        if (random() < chance) return end()
        to.write(data)
      })
      if (isFrozen) from.pause()
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    port: typeof address === 'object' ? (address?.port ?? 0) : 0,
    cutting(next) {
      chance = next
    },
    freeze(next) {
      isFrozen = next
      for (const pair of pairs) for (const socket of pair) isFrozen ? socket.pause() : socket.resume()
    },
    close() {
      server.close()
      for (const pair of pairs) for (const socket of pair) socket.destroy()
    },
  }
}
