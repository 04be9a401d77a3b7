// The load generator runs as a process of its own, with raw sockets and prepared requests, because it shares the
// machine with the service that it measures.
import { connect, type Socket } from 'node:net'
import { createHistogram } from 'node:perf_hooks'
import { type PreparedRequest, prepareRequest } from './request.ts'
import { mixture, type Workload, workloads } from './workloads.ts'

export interface LoadOptions {
  readonly port: number
  readonly workload: keyof typeof workloads | 'mixture'
  readonly connections: number
  readonly seconds: number
  /** The number of the first delivery. Each delivery has a number of its own. */
  readonly firstNumber: number
  /** Number of owners; 1,000 if absent. */
  readonly owners?: number | undefined
  /** So many deliveries are sent each second at most; absent: each connection sends as soon as it has an answer. */
  readonly perSecond?: number
}

export interface LoadResult {
  readonly requests: number
  readonly seconds: number
  /** Latencies in milliseconds. */
  readonly p50: number
  readonly p99: number
  readonly max: number
  /** Numbers of the other answers, by status. */
  readonly failures: Record<string, number>
  /** The numbers of the deliveries that were acknowledged, by the name of their workload. */
  readonly acked: Record<string, number[]>
}

process.once('message', (options: LoadOptions) => {
  void run(options).then((result) => {
    process.send?.(result, () => process.disconnect())
  })
})

async function run({
  port,
  workload,
  connections,
  seconds,
  firstNumber,
  owners,
  perSecond = Number.POSITIVE_INFINITY,
}: LoadOptions): Promise<LoadResult> {
  const latencies = createHistogram({ lowest: 1, highest: 120_000_000, figures: 3 })
  const acked: Record<string, number[]> = {}
  const failures: Record<string, number> = {}
  let nextNumber = firstNumber
  let requests = 0
  const started = performance.now()
  const end = started + seconds * 1000

  /** Sends one request after the other on one connection. */
  const runConnection = () =>
    new Promise<void>((resolve, reject) => {
      const prepared = new Map(kinds(workload).map((kind) => [kind, prepareRequest(kind, owners)]))
      const socket: Socket = connect(port, '127.0.0.1')
      socket.setNoDelay(true)
      let kind: Workload
      let number = 0
      let sentAt = 0
      let received = ''

      const sendNext = () => {
        number = nextNumber++
        const due = started + ((number - firstNumber) * 1000) / perSecond
        if (due > end) return finish()
        const wait = due - performance.now()
        if (wait > 1) setTimeout(send, wait)
        else send()
      }
      const finish = () => {
        socket.end()
        resolve()
      }
      const send = () => {
        kind = kindOf(workload, number)
        const request = prepared.get(kind) as PreparedRequest
        request.setNumber(number)
        sentAt = performance.now()
        socket.write(request.bytes)
      }
      socket.on('connect', sendNext)
      socket.on('error', reject)
      socket.on('data', (data) => {
        received += data.toString('latin1')
        const headEnd = received.indexOf('\r\n\r\n')
        if (headEnd < 0) return
        const lengthAt = received.indexOf('content-length: ') + 16
        const length = Number.parseInt(received.slice(lengthAt, lengthAt + 10), 10)
        if (received.length < headEnd + 4 + length) return

        latencies.record(Math.max(1, Math.round((performance.now() - sentAt) * 1000)))
        requests += 1
        if (received.startsWith('HTTP/1.1 200') && received.includes('"stored"', headEnd)) {
          acked[kind.name] ??= []
          acked[kind.name]?.push(number)
        } else {
          const status = received.slice(9, 12)
          failures[status] = (failures[status] ?? 0) + 1
        }
        received = ''
        if (performance.now() < end) sendNext()
        else finish()
      })
    })

  await Promise.all(Array.from({ length: connections }, runConnection))
  const milliseconds = (percentile: number) => latencies.percentile(percentile) / 1000
  return {
    requests,
    seconds: (performance.now() - started) / 1000,
    p50: milliseconds(50),
    p99: milliseconds(99),
    max: latencies.max / 1000,
    failures,
    acked,
  }
}

/** The kinds of delivery in a workload. */
function kinds(workload: LoadOptions['workload']): Workload[] {
  return workload === 'mixture' ? mixture.map(([kind]) => kind) : [workloads[workload]]
}

/** The kind of the delivery with this number. */
function kindOf(workload: LoadOptions['workload'], number: number): Workload {
  if (workload !== 'mixture') return workloads[workload]
  // 37 is coprime to 100, so 100 consecutive numbers give each percent once, in mixed order.
  let percent = (number * 37) % 100
  for (const [kind, share] of mixture) {
    if (percent < share) return kind
    percent -= share
  }
  throw new Error('The shares of the mixture do not add up to 100.')
}
