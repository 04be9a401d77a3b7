import { type ChildProcess, spawn } from 'node:child_process'
import { tracingChannel } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { trace } from '@opentelemetry/api'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { logOptions } from '../src/ops/log.ts'
import { startTracing } from '../src/ops/tracing/index.ts'
import { protocolFor } from '../src/ops/tracing/settings.ts'
import { biomarker } from './setup/bodies.ts'
import { guardedLog, guardProcess, guardRequest } from './setup/log-guard.ts'
import { built } from './setup/program.ts'
import { bytesOf, environment, setup, signed, type TestService } from './setup/service.ts'

/** What no message, span or attribute may contain: owner, user, credential, and text of the body. */
const PRIVATE = ['profile-of-nobody', 'user-of-nobody', 'sahha-test', 'value-of-nobody', 'type-of-nobody']
const body = (id: string, fields: object = {}) =>
  biomarker({
    id,
    profileId: 'profile-of-nobody',
    externalId: 'user-of-nobody',
    category: 'activity',
    type: 'type-of-nobody',
    value: 'value-of-nobody',
    ...fields,
  })

const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const [, senderTrace = '', senderSpan = ''] = TRACEPARENT.split('-')

let service: TestService
beforeAll(async () => {
  service = await setup()
  // Postgres quotes the row, and with it every value, in the detail of this error.
  await service.db.query(`alter table biomarkers add constraint refused check (id <> 'refused')`)
})
afterAll(() => service.close())

const requestLines = (from: number) =>
  service.log
    .slice(from)
    .map((line) => JSON.parse(line))
    .filter(({ msg }) => msg === 'request')

describe('the tracing channels', () => {
  const EVENTS = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'] as const
  let events: Array<{ channel: string; event: string; message: object }>
  let unsubscribe: () => void
  beforeEach(() => {
    events = []
    const listeners = ['nightpost.delivery', 'nightpost.commit'].map((channel) => {
      const record = (event: string) => (message: unknown) =>
        events.push({ channel, event, message: message as object })
      const handlers = Object.fromEntries(EVENTS.map((event) => [event, record(event)]))
      return {
        channel: tracingChannel(channel),
        handlers: handlers as Record<(typeof EVENTS)[number], never>,
      }
    })
    for (const { channel, handlers } of listeners) channel.subscribe(handlers)
    unsubscribe = () => {
      for (const { channel, handlers } of listeners) channel.unsubscribe(handlers)
    }
  })
  afterEach(() => {
    unsubscribe()
    for (const secret of PRIVATE) expect(JSON.stringify(events)).not.toContain(secret)
  })

  const last = (channel: string) =>
    events.filter((one) => one.channel === channel && one.event === 'asyncEnd').map(({ message }) => message)

  it('describe a delivery and its commit, without body, owner or credential', async () => {
    const sent = body('b1')
    const { json } = await service.post('sahha', { ...signed(sent), traceparent: TRACEPARENT }, sent)
    const [delivery] = last('nightpost.delivery')
    expect(delivery).toEqual({
      vendor: 'sahha',
      traceparent: TRACEPARENT,
      authenticatedBy: expect.any(String),
      bytes: bytesOf(sent).length,
      event: 'BiomarkerCreatedIntegrationEvent',
      traceId: null,
      result: { outcome: 'stored', deliveryId: json.delivery_id, problem: null },
    })
    const [commit] = last('nightpost.commit') as Array<{ deliveries: object[]; size: number }>
    expect(commit?.size).toBe(1)
    expect(commit?.deliveries[0]).toBe(delivery)
  })

  it('publish in the order start, error, end of the commit, end of the delivery', async () => {
    await service.sahha(body('refused'))
    const short = ({ channel, event }: { channel: string; event: string }) => `${channel} ${event}`
    expect(events.filter(({ event }) => /^(start|error|asyncEnd)$/.test(event)).map(short)).toEqual([
      'nightpost.delivery start',
      'nightpost.commit start',
      'nightpost.commit error',
      'nightpost.commit asyncEnd',
      'nightpost.commit start',
      'nightpost.commit asyncEnd',
      'nightpost.delivery asyncEnd',
    ])
    expect(last('nightpost.commit')[0]).toMatchObject({ error: { name: 'error', code: '23514' } })
    expect(last('nightpost.delivery')[0]).toMatchObject({
      result: { outcome: 'rejected', problem: { code: 'invalid_body' } },
    })
  })

  it('name no scheme, and nothing of the request, if the sender is not proven', async () => {
    const headers = { 'x-signature': 'signature-of-nobody', traceparent: 'value-of-nobody' }
    await service.post('sahha', headers, body('b2'))
    expect(last('nightpost.delivery')).toEqual([
      {
        ...{
          vendor: 'sahha',
          traceparent: null,
          authenticatedBy: null,
          bytes: null,
          event: null,
          traceId: null,
        },
        error: { name: 'ProblemError', code: 'unauthorized' },
      },
    ])
  })

  it('do not show the name of an event that the vendor does not document', async () => {
    const sent = { ...body('b3'), new: 1 }
    await service.post('sahha', { ...signed(sent), 'x-event-type': 'value-of-nobody' }, sent)
    expect(last('nightpost.delivery')).toMatchObject([{ event: null }])
  })
})

describe('a provider of OpenTelemetry that is preloaded', () => {
  const exporter = new InMemorySpanExporter()
  beforeAll(async () => {
    const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
    trace.setGlobalTracerProvider(provider)
    const tracing = await startTracing(guardedLog, {})
    return async () => {
      await tracing.close()
      trace.disable()
    }
  })
  beforeEach(() => exporter.reset())
  const spans = (name: string) => exporter.getFinishedSpans().filter((span) => span.name === name)

  it('gets the span of a delivery as a root with a link to the sender, and the log names its trace', async () => {
    const from = service.log.length
    const sent = body('s1')
    await service.post('sahha', { ...signed(sent), traceparent: TRACEPARENT }, sent)
    const [delivery] = spans('nightpost.delivery')
    expect(delivery?.parentSpanContext).toBeUndefined()
    expect(delivery?.links[0]?.context).toMatchObject({ traceId: senderTrace, spanId: senderSpan })
    expect(delivery?.spanContext().traceId).not.toBe(senderTrace)
    expect(requestLines(from)[0]).toMatchObject({ trace_id: delivery?.spanContext().traceId })
  })

  it('gets no span of a request whose sender is not proven, and its log line names no trace', async () => {
    const from = service.log.length
    await service.post('sahha', { 'x-signature': 'nothing' }, body('s2'))
    expect(exporter.getFinishedSpans()).toEqual([])
    expect(requestLines(from)).toEqual([expect.not.objectContaining({ trace_id: expect.anything() })])
  })

  it('gets the SQLSTATE of a transaction that failed, and the span of the one that followed', async () => {
    await service.sahha(body('refused', { value: 'again' }))
    const [failed, done] = spans('nightpost.commit')
    expect(failed).toMatchObject({ status: { code: 2 }, attributes: { 'error.type': '23514' }, events: [] })
    expect(done).toMatchObject({ status: { code: 0 } })
    const [delivery] = spans('nightpost.delivery')
    expect(delivery).toMatchObject({
      status: { code: 0 },
      attributes: { 'nightpost.outcome': 'rejected', 'nightpost.problem': 'invalid_body' },
    })
    const linked = delivery?.links.map(({ context }) => context.spanId)
    expect(linked).toEqual([failed, done].map((span) => span?.spanContext().spanId))
  })
})

interface OtlpSpan {
  readonly traceId: string
  readonly spanId: string
  readonly name: string
  readonly parentSpanId?: string
  readonly links?: ReadonlyArray<{ traceId: string; spanId: string }>
  readonly attributes: ReadonlyArray<{ key: string; value: { stringValue?: string; intValue?: number } }>
}

/** A collector of OTLP over HTTP, which keeps what it gets. */
async function startCollector() {
  const requests: Array<{ url: string | undefined; headers: IncomingHttpHeaders; body: Buffer }> = []
  const server = createServer(async (request, answer) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    requests.push({ url: request.url, headers: request.headers, body: Buffer.concat(chunks) })
    answer.statusCode = collector.answer.status
    answer.end(collector.answer.text)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const collector = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answer: { status: 200, text: '' },
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
  return collector
}

describe('the process', () => {
  const directory = mkdtempSync(join(tmpdir(), 'nightpost-tracing-'))
  const listing = join(directory, 'list-modules.mjs')
  let collector: Awaited<ReturnType<typeof startCollector>>
  beforeAll(async () => {
    collector = await startCollector()
    const text = `import { createRequire } from 'node:module'
      const { cache } = createRequire(import.meta.url)
      process.on('exit', () => console.log('modules', ...Object.keys(cache)))`
    writeFileSync(listing, text)
  })
  const children: ChildProcess[] = []
  afterAll(() => {
    for (const child of children) if (child.exitCode === null) child.kill('SIGKILL')
    collector.close()
    rmSync(directory, { recursive: true })
  })

  interface Running {
    readonly child: ChildProcess
    readonly port: number
    /** Ends the process with SIGTERM, and returns its log and the files of its CommonJS modules. */
    stop(): Promise<{ lines: Array<Record<string, unknown>>; modules: string }>
  }

  async function start(variables: Record<string, string>): Promise<Running> {
    const child = spawn(process.execPath, ['--import', listing, ...built('main')], {
      cwd: directory,
      env: {
        PATH: process.env.PATH,
        NODE_ENV: 'production',
        DATABASE_URL: service.db.url,
        MIGRATE_DATABASE_URL: service.db.direct,
        PORT: '0',
        ...(environment as Record<string, string>),
        ...variables,
      },
    })
    children.push(child)
    guardProcess(child)
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output += text
    })
    child.stderr.setEncoding('utf8').on('data', (text) => {
      output += text
    })
    const port = () => Number(/listening at http:\/\/127\.0\.0\.1:(\d+)/.exec(output)?.[1] ?? 0)
    await expect.poll(() => port() || child.exitCode !== null, { timeout: 60_000 }).toBeTruthy()
    if (!port()) throw new Error(`did not start: ${output}`)
    return {
      child,
      port: port(),
      stop: async () => {
        child.kill('SIGTERM')
        await once(child, 'close')
        const all = output.split('\n')
        return {
          lines: all.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line)),
          modules: all.find((line) => line.startsWith('modules')) ?? '',
        }
      },
    }
  }

  /** The packages of OpenTelemetry among these files. */
  const openTelemetry = (files: string) => [
    ...new Set([...files.matchAll(/@opentelemetry\/([\w-]+)/g)].map(([, name]) => name)),
  ]

  /** Sends a delivery, again if it is answered 503, as a vendor does: a test's lock may last longer than a writer waits. */
  async function post(port: number, sent: object): Promise<{ outcome: string; delivery_id: string }> {
    guardRequest({}, bytesOf(sent))
    const answer = await fetch(`http://127.0.0.1:${port}/webhooks/sahha`, {
      method: 'POST',
      headers: signed(sent),
      body: JSON.stringify(sent),
    })
    const json = (await answer.json()) as { outcome: string; delivery_id: string }
    return answer.status === 503 ? post(port, sent) : json
  }

  it('sends the spans of deliveries and, linked to them, the span of their commit; its log names the traces', async () => {
    const running = await start({
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=token-of-the-collector',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
    })
    // The first two deliveries occupy both writers until the table is unlocked, so that the others form a group.
    const lock = await service.db.lock('lock table biomarkers in exclusive mode')
    const answers = ['p1', 'p2', 'p3', 'p4'].map((id) => post(running.port, body(id)))
    const metrics = async () => (await fetch(`http://127.0.0.1:${running.port}/metrics`)).text()
    await expect.poll(metrics, { interval: 20 }).toMatch(/^nightpost_queue_deliveries 2$/m)
    await lock.release()
    const receipts = await Promise.all(answers)
    expect(receipts.map(({ outcome }) => outcome)).toEqual(Array(4).fill('stored'))
    const { lines, modules } = await running.stop()
    expect(openTelemetry(modules)).toContain('sdk-trace-base')

    expect(collector.requests[0]?.url).toBe('/v1/traces')
    expect(collector.requests[0]?.headers.authorization).toBe('token-of-the-collector')
    const sent = collector.requests.map((request) => request.body.toString('utf8'))
    for (const secret of PRIVATE) expect(sent.join()).not.toContain(secret)
    const { resourceSpans } = JSON.parse(sent[0] ?? '{}')
    expect(resourceSpans[0].resource.attributes).toEqual(
      expect.arrayContaining([
        { key: 'service.name', value: { stringValue: 'nightpost' } },
        { key: 'deployment.environment.name', value: { stringValue: 'test' } },
      ]),
    )
    const spans: OtlpSpan[] = sent.flatMap((text) =>
      JSON.parse(text).resourceSpans.flatMap((one: { scopeSpans: Array<{ spans: OtlpSpan[] }> }) =>
        one.scopeSpans.flatMap((scope) => scope.spans),
      ),
    )
    const attribute = (span: OtlpSpan, name: string) => span.attributes.find(({ key }) => key === name)?.value
    const isDone = (span: OtlpSpan) => !attribute(span, 'error.type')
    const deliveries = spans.filter((span) => span.name === 'nightpost.delivery' && isDone(span))
    const commits = spans.filter((span) => span.name === 'nightpost.commit' && isDone(span))
    const byId = new Map(
      deliveries.map((span) => [attribute(span, 'nightpost.delivery_id')?.stringValue, span]),
    )
    expect([...byId.keys()].sort()).toEqual(receipts.map(({ delivery_id }) => delivery_id).sort())

    const commit = commits.find(({ links }) => links?.length === 2)
    expect(commit).toBeDefined()
    expect(attribute(commit as OtlpSpan, 'nightpost.deliveries')).toEqual({ intValue: 2 })
    const linked = deliveries.filter(({ links }) => links?.some(({ spanId }) => spanId === commit?.spanId))
    const ids = (all: ReadonlyArray<{ traceId: string; spanId: string }> = []) =>
      all.map(({ traceId, spanId }) => `${traceId} ${spanId}`).sort()
    expect(linked).toHaveLength(2)
    expect(ids(commit?.links)).toEqual(ids(linked))

    const requests = lines.filter(({ msg, delivery_id }) => msg === 'request' && delivery_id)
    expect(requests).toHaveLength(4)
    for (const line of requests) expect(line.trace_id).toBe(byId.get(String(line.delivery_id))?.traceId)
  }, 60_000)

  it('loads no implementation of OpenTelemetry without OTEL_*', async () => {
    const running = await start({})
    await post(running.port, body('p5'))
    const { lines, modules } = await running.stop()
    expect(modules).toContain('fastify')
    // prom-client requires the interface, which contains no implementation.
    expect(openTelemetry(modules)).toEqual(['api'])
    expect(lines.find(({ msg }) => msg === 'request')).not.toHaveProperty('trace_id')
  }, 60_000)
})

describe('the exporter', () => {
  let collector: Awaited<ReturnType<typeof startCollector>>
  beforeAll(async () => {
    collector = await startCollector()
    process.env.OTEL_EXPORTER_OTLP_ENDPOINT = collector.url
    process.env.OTEL_BSP_SCHEDULE_DELAY = '10'
    return () => {
      delete process.env.OTEL_EXPORTER_OTLP_ENDPOINT
      delete process.env.OTEL_BSP_SCHEDULE_DELAY
      collector.close()
    }
  })

  it('sends protobuf unless told otherwise', async () => {
    const from = service.log.length
    const tracing = await startTracing(guardedLog)
    await service.sahha(body('e1'))
    await tracing.close()
    const [request] = collector.requests
    expect(request?.headers['content-type']).toBe('application/x-protobuf')
    const traceId = requestLines(from)[0]?.trace_id
    expect(request?.body.includes(Buffer.from(traceId, 'hex'))).toBe(true)
  })

  it('logs once that the collector refuses, without its words, and once that it accepts again', async () => {
    const lines: Array<Record<string, unknown>> = []
    const log = pino(logOptions('info'), { write: (line: string) => void lines.push(JSON.parse(line)) })
    const tracing = await startTracing(log)
    const sendOne = async (id: string) => {
      const before = collector.requests.length
      expect((await service.sahha(body(id))).status).toBe(200)
      await expect.poll(() => collector.requests.length, { interval: 10 }).toBeGreaterThan(before)
    }
    collector.answer = { status: 400, text: 'words of the collector' }
    await sendOne('e2')
    await expect.poll(() => lines.length, { interval: 10 }).toBe(2)
    await sendOne('e3')
    collector.answer = { status: 200, text: '' }
    await sendOne('e4')
    await tracing.close()
    expect(lines.map(({ msg }) => msg)).toEqual([
      'traces are sent',
      'traces cannot be sent',
      'traces are sent again',
    ])
    expect(JSON.stringify(lines)).not.toContain('words of')
  })
})

describe('the OTEL_* variables', () => {
  it.each([
    [{}, null],
    [{ OTEL_SERVICE_NAME: 'alone' }, null],
    [{ OTEL_TRACES_EXPORTER: 'otlp' }, 'http/protobuf'],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://c.example/v1/traces' }, 'http/protobuf'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318', OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' }, 'http/json'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318', OTEL_TRACES_EXPORTER: 'none' }, null],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318', OTEL_SDK_DISABLED: 'true' }, null],
  ])('%o: %s', (variables, protocol) => {
    expect(protocolFor(variables)).toBe(protocol)
  })

  it.each([
    [{ OTEL_TRACES_EXPORTER: 'zipkin' }, 'OTEL_TRACES_EXPORTER: found zipkin; allowed are otlp and none'],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' },
      'OTEL_EXPORTER_OTLP_ENDPOINT: expected a URL such as http://localhost:4318',
    ],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4317', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
      'OTEL_EXPORTER_OTLP_PROTOCOL: found grpc; allowed are http/protobuf (port 4318) and http/json',
    ],
  ])('%o is refused', (variables, message) => {
    expect(() => protocolFor(variables)).toThrow(message)
  })
})
