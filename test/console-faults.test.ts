import { EventEmitter } from 'node:events'
import { connect } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import type pg from 'pg'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Hub } from '../src/console/arrivals/hub.ts'
import { liveRoute } from '../src/console/arrivals/live.ts'
import { connectRoutes } from '../src/console/connect/routes.ts'
import type { ConsoleContext } from '../src/console/context.ts'
import { inReading } from '../src/console/database.ts'
import { readForms } from '../src/console/request.ts'
import { vendors } from '../src/vendors/index.ts'
import { startFakeApi } from './setup/fake-api.ts'

/** The connection that gives hints. */
const hints = Object.assign(new EventEmitter(), { query: async () => {}, end: async () => {} })
const connectForHints = async () => hints as unknown as pg.Client

/** Looks into the ledger so far. Each waits for `ledger`. */
let looks = 0
let ledger: Promise<void>
let refused: () => Promise<number>

const client = {
  beginStatement: () => 'begin',
  query: async (text: string) => {
    if (!text.includes('delivery_log')) return
    looks += 1
    await ledger
    return { rows: [] }
  },
  release: () => {},
}

const contextWith = (isOpen: () => boolean) =>
  ({
    isOpen,
    database: {},
    pool: { connect: async () => client },
    now: () => Date.now(),
    log: { warn: () => {} },
    vendors: [],
    metrics: {
      authenticationFailures: {
        samples: async () => [{ labels: { vendor: 'a', reason: REASON }, value: await refused() }],
      },
      lastAuthenticationFailure: {
        samples: async () => [{ labels: { vendor: 'a', reason: REASON }, value: 1 }],
      },
    },
  }) as unknown as ConsoleContext

/** So long that the list of refused requests fills the buffers of a connection. */
const REASON = 'x'.repeat(2 ** 23)

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'clearTimeout', 'clearInterval', 'Date'] })
  looks = 0
  ledger = Promise.resolve()
  refused = async () => 0
})
afterEach(() => {
  vi.useRealTimers()
  hints.removeAllListeners()
})

describe('the hub', () => {
  it('looks every two seconds, also after the only page was loaded again during a look', async () => {
    const hub = new Hub(
      contextWith(() => true),
      connectForHints,
    )
    const stop = hub.listen(() => {}, null)
    let answer = () => {}
    ledger = new Promise((resolve) => {
      answer = resolve
    })
    await vi.advanceTimersByTimeAsync(2_000)
    stop()
    hub.listen(() => {}, null)
    answer()
    await vi.advanceTimersByTimeAsync(0)
    looks = 0
    await vi.advanceTimersByTimeAsync(20_000)
    expect(looks).toBe(10)
    await hub.close()
  })

  it('looks soon again if a hint comes during a look', async () => {
    const hub = new Hub(
      contextWith(() => true),
      connectForHints,
    )
    hub.listen(() => {}, null)
    await vi.advanceTimersByTimeAsync(2_000)
    let answer = () => {}
    ledger = new Promise((resolve) => {
      answer = resolve
    })
    hints.emit('notification')
    await vi.advanceTimersByTimeAsync(500)
    hints.emit('notification')
    answer()
    looks = 0
    await vi.advanceTimersByTimeAsync(500)
    expect(looks).toBe(1)
    await hub.close()
  })
})

describe('GET /live', () => {
  /** Sends a request and reads nothing of the answer. */
  async function withSilentClient(app: FastifyInstance, work: () => Promise<void>): Promise<void> {
    const socket = connect(Number(new URL(await app.listen({ host: '127.0.0.1', port: 0 })).port))
    try {
      const arrived = new Promise((resolve) => app.server.once('request', resolve))
      socket.pause().write('GET /live HTTP/1.1\r\nhost: x\r\n\r\n')
      await arrived
      await work()
    } finally {
      socket.destroy()
      await app.close()
    }
  }

  it('writes nothing after its end to a client that does not read', async () => {
    let isOpen = true
    const app = Fastify({ forceCloseConnections: true })
    liveRoute(
      app,
      contextWith(() => isOpen),
    )
    let count = 0
    let asked = 0
    refused = async () => {
      asked += 1
      return count
    }
    await withSilentClient(app, async () => {
      await vi.advanceTimersByTimeAsync(1_000)
      count = 1
      await vi.advanceTimersByTimeAsync(1_000)
      isOpen = false
      await vi.advanceTimersByTimeAsync(14_000)
      // A write after the end is an error that nobody handles, and fails the run.
      count = 2
      await vi.advanceTimersByTimeAsync(1_000)
    })
    expect(asked).toBe(18)
  })

  it('bears that the counts of the workers are not known', async () => {
    const app = Fastify({ forceCloseConnections: true })
    liveRoute(
      app,
      contextWith(() => true),
    )
    let asked = 0
    refused = async () => {
      asked += 1
      throw new Error('The supervisor does not answer.')
    }
    await withSilentClient(app, () => vi.advanceTimersByTimeAsync(3_000).then(() => {}))
    expect(asked).toBeGreaterThan(1)
  })
})

it('a connection that does not roll back is closed, and every other one is used again', async () => {
  const released: unknown[] = []
  const reading = (failing: readonly string[]) => {
    const query = async (text: string) => {
      if (failing.includes(text)) throw new Error(`no ${text}`)
    }
    const release = (isClosed?: boolean) => released.push(isClosed)
    const connect = async () => ({ ...client, query, release })
    return inReading({ connect } as never, (client) => client.query('read') as never)
  }
  await reading([])
  await expect(reading(['read'])).rejects.toThrow('no read')
  await expect(reading(['read', 'rollback'])).rejects.toThrow('no read')
  expect(released).toEqual([undefined, undefined, true])
})

it('a database that fails after an example was sent does not look like a service that is silent', async () => {
  vi.useRealTimers()
  const service = await startFakeApi()
  service.answer = () => ({ body: { outcome: 'stored', delivery_id: 'an id' } })
  const app = Fastify()
  readForms(app)
  connectRoutes(app, {
    ...contextWith(() => true),
    ...{ vendors, config: { NODE_ENV: 'development', credentials: () => ['key'] } },
    serviceAddress: () => service.url,
    pool: { connect: () => Promise.reject(new Error('no connection')) },
  } as never)
  const answer = await app.inject({
    ...{ method: 'POST', url: '/connect/send' },
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    payload: 'vendor=asleep&event=INFERENCE_COMPLETE',
  })
  expect(service.requests).toHaveLength(1)
  expect([answer.statusCode, answer.body]).toEqual([500, expect.not.stringContaining('did not answer')])
  await Promise.all([app.close(), service.close()])
})
