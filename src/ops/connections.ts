import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'

/** Every open request holds memory until the ones before it are answered, so a connection may pipeline few. */
const MOST_OPEN_REQUESTS = 16

const openRequests = Symbol('open requests')
type Connection = Socket & { [openRequests]?: number }

/** Closes a connection that has too many requests open at a time. */
export function limitPipelining(app: FastifyInstance): void {
  app.addHook('onRequest', (request, reply, done) => {
    const socket: Connection = request.raw.socket
    const open = (socket[openRequests] ?? 0) + 1
    socket[openRequests] = open
    if (open <= MOST_OPEN_REQUESTS) return done()
    // What else came in the same packet is still read, and ends here too.
    socket.destroy()
    reply.hijack()
  })
  // Where there is no response, the connection is gone, and its number with it.
  app.addHook('onResponse', (request, _reply, done) => {
    const socket: Connection = request.raw.socket
    socket[openRequests] = (socket[openRequests] ?? 1) - 1
    done()
  })
}
