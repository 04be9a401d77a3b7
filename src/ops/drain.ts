import type { FastifyInstance } from 'fastify'

/** The time before the end in which a service still answers, but asks its clients to go elsewhere. */
export interface Drain {
  readonly isOn: boolean
  begin(): void
}

export function drainable(app: FastifyInstance): Drain {
  let isOn = false
  app.addHook('onRequest', (_request, reply, done) => {
    // A balancer that keeps connections open would send the next request into one that closes.
    if (isOn) reply.header('connection', 'close')
    done()
  })
  return {
    get isOn() {
      return isOn
    },
    begin() {
      isOn = true
    },
  }
}
