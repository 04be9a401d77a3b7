import type { FastifyInstance } from 'fastify'

/** While draining, a service still takes requests, but reports that it is not ready and closes its connections. */
export class Drain {
  #isOn = false

  get isOn(): boolean {
    return this.#isOn
  }

  begin(): void {
    this.#isOn = true
  }

  /** Closes each connection with its next answer. A load balancer would otherwise reuse it when the process ends. */
  closeConnections(app: FastifyInstance): void {
    app.addHook('onRequest', (_request, reply, done) => {
      if (this.#isOn) reply.header('connection', 'close')
      done()
    })
  }
}
