import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import Fastify, { type FastifyRequest } from 'fastify'
import type { TrafficOptions } from '../traffic.ts'
import type { Route } from './answer.ts'
import { asleepData } from './asleep-data.ts'
import { asleepRoutes } from './asleep-routes.ts'
import { CallLog, type VendorRequest } from './call-log.ts'
import { type Fate, FaultPlan, type Faults } from './faults.ts'
import { faultyAnswer, sendFaulty } from './faulty-answer.ts'
import { sahhaData } from './sahha-data.ts'
import { sahhaRoutes } from './sahha-routes.ts'
import { Tokens } from './sahha-tokens.ts'

export interface VendorsOptions extends TrafficOptions {
  readonly host?: string
  /** 0, the default, is any free port. */
  readonly port?: number
  readonly faults?: Faults
  /** Milliseconds before every answer. 0, the default, answers at once those requests that came together. */
  readonly latencyMs?: number
  /** The Asleep keys that are accepted. */
  readonly asleepKeys?: readonly string[]
  /** `dataLastReceivedAtUtc` of every profile, in place of the simulated time. */
  readonly lastReceivedAt?: string
}

export interface VendorCredentials {
  readonly asleepKey: string
  readonly sahhaClientId: string
  readonly sahhaClientSecret: string
}

/** The simulated pull APIs of both vendors. */
export interface Vendors {
  /** For ASLEEP_API_URL. */
  readonly asleepUrl: string
  /** For SAHHA_API_URL. The paths under it begin with /api/v1. */
  readonly sahhaUrl: string
  readonly credentials: VendorCredentials
  /** The requests since the start or since `forgetCalls`, in the order of their arrival. */
  readonly requests: readonly VendorRequest[]
  /** How many requests came, by route. */
  calls(): Record<string, number>
  /** The most requests that were in progress at one time. */
  maxConcurrent(vendor?: 'asleep' | 'sahha'): number
  forgetCalls(): void
  setFaults(faults: Faults): void
  /** Answers from now on with what these options simulate. */
  setTraffic(options: TrafficOptions): void
  close(): Promise<void>
}

const CLIENT = { clientId: 'simulated-client', clientSecret: 'simulated-client-secret' }
export const SIMULATED_ASLEEP_KEY = 'simulated-asleep-key'

/** Serves both vendors' pull APIs about the users whose deliveries the same options simulate. */
export async function startVendors(options: VendorsOptions): Promise<Vendors> {
  const { host = '127.0.0.1', port = 0, latencyMs = 0, asleepKeys = [SIMULATED_ASLEEP_KEY] } = options
  const dataOf = (traffic: TrafficOptions) => ({
    asleep: asleepData(traffic),
    sahha: sahhaData(traffic, options.lastReceivedAt),
  })
  let data = dataOf(options)
  const plan = new FaultPlan(options.seed)
  const tokens = new Tokens()
  const log = new CallLog()
  const closing = new AbortController()
  const app = Fastify({ forceCloseConnections: true })

  const setFaults = (faults: Faults) => {
    plan.set(faults)
    tokens.mostUses = faults.expireTokenAfter ?? Number.POSITIVE_INFINITY
  }
  setFaults(options.faults ?? {})

  const mount = (vendor: 'asleep' | 'sahha', routes: Record<string, Route>) => {
    for (const [path, route] of Object.entries(routes)) {
      const isList = path.startsWith('/api/v1/profile/')
      app.route({
        method: path.endsWith('/token') ? 'POST' : 'GET',
        url: `/${vendor}${path}`,
        handler: async (request, reply) => {
          const call = log.begin(vendor, `${request.method} ${path}`, reply.raw)
          const fate = plan.fateOf(vendor, keyOf(request), isList)
          call.fault = fate.fault
          // Requests that come together are all counted before the first is answered.
          await (latencyMs > 0 ? sleep(latencyMs) : setImmediate())
          const answer = faultyAnswer(vendor, fate) ?? route(callOf(request, fate))
          call.status = answer.status
          await sendFaulty(reply, answer, fate, plan.faults.slowMs, closing.signal)
          return reply
        },
      })
    }
  }
  mount(
    'asleep',
    asleepRoutes(() => ({
      keys: asleepKeys,
      data: data.asleep,
      hasBriefAverages: plan.faults.briefAverages ?? false,
    })),
  )
  mount(
    'sahha',
    sahhaRoutes(() => ({ ...CLIENT, data: data.sahha }), tokens),
  )
  app.setNotFoundHandler((request, reply) => {
    const vendor = request.url.startsWith('/sahha') ? 'sahha' : 'asleep'
    log.begin(vendor, 'unknown', reply.raw).status = 404
    return reply.code(404).send({ detail: 'Not Found' })
  })

  const url = await app.listen({ host, port })
  return {
    asleepUrl: `${url}/asleep`,
    sahhaUrl: `${url}/sahha`,
    credentials: {
      asleepKey: asleepKeys[0] ?? '',
      sahhaClientId: CLIENT.clientId,
      sahhaClientSecret: CLIENT.clientSecret,
    },
    get requests() {
      return log.requests
    },
    calls: () => log.counts(),
    maxConcurrent: (vendor) => log.maxConcurrent(vendor),
    forgetCalls: () => log.forget(),
    setFaults,
    setTraffic: (traffic) => {
      data = dataOf(traffic)
    },
    close: async () => {
      closing.abort()
      await app.close()
    },
  }
}

const keyOf = ({ method, url, headers }: FastifyRequest) => `${method} ${url} ${headers['x-user-id'] ?? ''}`

function callOf(request: FastifyRequest, { isPartial }: Fate) {
  return {
    params: request.params as Record<string, string>,
    query: request.query as Record<string, string | string[]>,
    header: (name: string) => [request.headers[name] ?? []].flat()[0],
    body: request.body,
    isPartial,
  }
}
