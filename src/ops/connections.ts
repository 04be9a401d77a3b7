import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'

/** Open connections at a time. The memory of each is bounded, so their number must be bounded too. */
const MOST_CONNECTIONS = 10_000

/**
 * Closes connections beyond the limit, which several workers divide. Node's own `maxConnections` does not serve them: a
 * worker that is full gives a connection back, and if all are full the supervisor offers it to them again and again.
 */
export function limitConnections(app: FastifyInstance, workers: number): void {
  if (workers === 1) {
    app.server.maxConnections = MOST_CONNECTIONS
    return
  }
  const most = Math.floor(MOST_CONNECTIONS / workers)
  let open = 0
  app.server.on('connection', (socket: Socket) => {
    open += 1
    socket.once('close', () => {
      open -= 1
    })
    if (open > most) socket.destroy()
  })
}

/** Requests of one connection that may be open: each holds memory until those before it are answered. */
const MOST_OPEN_REQUESTS = 16

const openRequests = Symbol('open requests')
type Connection = Socket & { [openRequests]?: number }

/** Closes a connection that pipelines more than `MOST_OPEN_REQUESTS` requests. */
export function limitPipelining(app: FastifyInstance): void {
  app.addHook('onRequest', (request, reply, done) => {
    const socket: Connection = request.raw.socket
    const open = (socket[openRequests] ?? 0) + 1
    socket[openRequests] = open
    if (open <= MOST_OPEN_REQUESTS) return done()
    // Further requests of the same packet are still parsed, and end here too.
    socket.destroy()
    reply.hijack()
  })
  // A request without a response needs no count: its connection is gone.
  app.addHook('onResponse', (request, _reply, done) => {
    const socket: Connection = request.raw.socket
    socket[openRequests] = (socket[openRequests] ?? 1) - 1
    done()
  })
}
