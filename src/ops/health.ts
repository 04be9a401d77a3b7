import { type Static, Type } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import { Problem, problem } from '../contract/problem.ts'
import type { Metrics } from './metrics/index.ts'
import { VERSION } from './version.ts'

/** The parts without which no delivery is taken. */
const PARTS = ['database', 'schema', 'queue'] as const

/** What is wrong with each part of the service; null if it is in order. */
export type PartFaults = Readonly<Record<(typeof PARTS)[number], string | null>> & {
  /**
   * The nodes of a distributed database; undefined if it is not one. While some are lost the service is ready: deliveries for
   * owners on the others are stored, and a balancer would turn away all of them.
   */
  readonly nodes?: string | null | undefined
}

/** The faults of every part by a function that finds that of one. */
export const partFaultsOf = (
  faultOf: (part: (typeof PARTS)[number]) => string | null,
  nodes: PartFaults['nodes'],
): PartFaults => ({
  database: faultOf('database'),
  schema: faultOf('schema'),
  queue: faultOf('queue'),
  ...(nodes !== undefined && { nodes }),
})

/** Checks every part. It never throws: a part that can't be checked is a fault. */
export type Readiness = () => Promise<PartFaults>

/** For each part, `ok` or what is wrong with it. */
export const PartStates = Type.Object({
  database: Type.String(),
  schema: Type.String(),
  queue: Type.String(),
  nodes: Type.Optional(
    Type.String({
      description: 'The nodes of a distributed database. A lost one does not make the service unready',
    }),
  ),
})

export function partStates({ database, schema, queue, nodes }: PartFaults): Static<typeof PartStates> {
  return {
    ...{ database: database ?? 'ok', schema: schema ?? 'ok', queue: queue ?? 'ok' },
    ...(nodes !== undefined && { nodes: nodes ?? 'ok' }),
  }
}

const Live = Type.Object({ status: Type.Literal('ok') })
const Version = Type.String({ description: 'Version of Nightpost' })
const Ready = Type.Object({ status: Type.Literal('ok'), version: Version, parts: PartStates })
const NotReady = Type.Object({ ...Problem.properties, version: Version, parts: PartStates })

/** `GET /health/live` and `GET /health/ready`. */
export function healthRoutes(app: FastifyInstance, readiness: Readiness): void {
  app.get(
    '/health/live',
    {
      schema: {
        tags: ['operations'],
        summary: 'Whether the process runs; does not use the database',
        response: { 200: { description: 'The process runs', ...Live } },
      },
    },
    async () => ({ status: 'ok' }),
  )

  app.get(
    '/health/ready',
    {
      schema: {
        tags: ['operations'],
        summary: 'Whether the service can take deliveries: database, schema version and queue',
        response: {
          200: { description: 'Every part is in order', ...Ready },
          503: {
            description: 'unavailable; `parts` says what is not in order',
            content: { 'application/problem+json': { schema: NotReady } },
          },
        },
      },
    },
    async (_request, reply) => {
      const faults = await readiness()
      const parts = partStates(faults)
      const details = PARTS.flatMap((part) => faults[part] ?? [])
      if (details.length === 0) return { status: 'ok', version: VERSION, parts }
      const document = { ...problem('unavailable', details.join(' ')), version: VERSION, parts }
      return reply.code(503).type('application/problem+json').send(document)
    },
  )
}

/** Publishes which parts are in order, checked at every scrape. */
export function publishReadiness({ ready }: Metrics, readiness: Readiness): void {
  ready.read(async () => {
    const faults = await readiness()
    return PARTS.map((part) => ({ labels: { part }, value: faults[part] === null ? 1 : 0 }))
  })
}

/** Publishes the versions of Nightpost and of Node.js. */
export function publishBuild({ buildInfo }: Metrics): void {
  buildInfo.set({ version: VERSION, node: process.versions.node }, 1)
}
