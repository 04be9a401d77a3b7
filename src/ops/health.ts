import { Type } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import { Problem, problem } from '../contract/problem.ts'

/** Whether each part is in order: null, or what is wrong with it. */
export interface Checks {
  readonly database: string | null
  readonly schema: string | null
  readonly queue: string | null
}

export type Readiness = () => Promise<Checks>

const Parts = Type.Object({ database: Type.String(), schema: Type.String(), queue: Type.String() })
const Live = Type.Object({ status: Type.Literal('ok') })
const Ready = Type.Object({ status: Type.Literal('ok'), parts: Parts })
const NotReady = Type.Object({ ...Problem.properties, parts: Parts })

export function health(app: FastifyInstance, readiness: Readiness): void {
  app.get(
    '/health/live',
    {
      schema: {
        tags: ['operations'],
        summary: 'Whether the process runs; never touches the database',
        response: { 200: { description: 'It runs', ...Live } },
      },
    },
    async () => ({ status: 'ok' }),
  )

  app.get(
    '/health/ready',
    {
      schema: {
        tags: ['operations'],
        summary: 'Whether deliveries can be taken: database, schema version and queue',
        response: {
          200: { description: 'All is in order', ...Ready },
          503: {
            description: 'unavailable; `parts` says what is not in order',
            content: { 'application/problem+json': { schema: NotReady } },
          },
        },
      },
    },
    async (_request, reply) => {
      const checks = await readiness()
      const parts = Object.fromEntries(Object.entries(checks).map(([part, fault]) => [part, fault ?? 'ok']))
      const faults = Object.values(checks).filter((fault) => fault !== null)
      if (faults.length === 0) return { status: 'ok', parts }
      const document = { ...problem('unavailable', faults.join(' ')), parts }
      return reply.code(503).type('application/problem+json').send(document)
    },
  )
}

/** How long a check may take: whoever asks for health gives up soon. */
const PATIENCE = 3000

/** An answer is good for so long, so that nobody can load the database by asking. */
const FRESH = 500

/** What the database says of itself: why it can't take deliveries, and whether its schema is current. */
export interface DatabaseAnswer {
  readonly fault: string | null
  readonly isCurrent: boolean
}

/** The checks of a service whose database answers `ask`. */
export function readinessOf(ask: () => Promise<DatabaseAnswer>, queueFault: () => string | null): Readiness {
  let asked = 0
  let isAsking = false
  let answer: Promise<DatabaseAnswer | null> = Promise.resolve(null)
  return async () => {
    // One question at a time: where nobody answers, each would hold a connection until it is given up.
    if (!isAsking && Date.now() - asked > FRESH) {
      asked = Date.now()
      isAsking = true
      const question = ask().finally(() => {
        isAsking = false
      })
      answer = inTime(question)
    }
    const said = await answer
    return {
      database: said === null ? 'The database does not answer.' : said.fault,
      schema: said?.isCurrent === false ? 'The database lacks a migration.' : null,
      queue: queueFault(),
    }
  }
}

/** null where the question failed, or took too long. */
function inTime<T>(question: Promise<T>): Promise<T | null> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(null), PATIENCE)
    question.then(resolve, () => resolve(null)).finally(() => clearTimeout(timer))
  })
}
