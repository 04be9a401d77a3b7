// The load generator, a process of its own: raw sockets and requests laid out in advance, so that it
// takes as little as possible of the machine that it shares with what it measures.
import { connect, type Socket } from 'node:net'
import { createHistogram } from 'node:perf_hooks'
import { request } from './request.ts'
import { mixture, type Workload, workloads } from './workloads.ts'

export interface LoadOptions {
  readonly port: number
  readonly workload: keyof typeof workloads | 'mixture'
  readonly connections: number
  readonly seconds: number
  /** The number of the first delivery; every delivery of a run has its own. */
  readonly from: number
}

export interface LoadResult {
  readonly requests: number
  readonly seconds: number
  readonly p50: number
  readonly p99: number
  readonly max: number
  readonly failures: Record<string, number>
  /** The numbers of the deliveries that were acknowledged, by the name of their workload. */
  readonly acked: Record<string, number[]>
}

process.once('message', (options: LoadOptions) => {
  run(options).then((result) => {
    process.send?.(result, () => process.disconnect())
  })
})

async function run({ port, workload, connections, seconds, from }: LoadOptions): Promise<LoadResult> {
  const latencies = createHistogram({ lowest: 1, highest: 120_000_000, figures: 3 })
  const acked: Record<string, number[]> = {}
  const failures: Record<string, number> = {}
  let next = from
  let requests = 0
  const started = performance.now()
  const end = started + seconds * 1000

  const client = () =>
    new Promise<void>((resolve, reject) => {
      const requestsOf = new Map(kinds(workload).map((kind) => [kind, request(kind)]))
      const socket: Socket = connect(port, '127.0.0.1')
      socket.setNoDelay(true)
      let kind: Workload
      let number = 0
      let sentAt = 0
      let received = ''

      const send = () => {
        number = next++
        kind = pick(workload, number)
        const prepared = requestsOf.get(kind) as ReturnType<typeof request>
        prepared.fill(number)
        sentAt = performance.now()
        socket.write(prepared.bytes)
      }
      socket.on('connect', send)
      socket.on('error', reject)
      socket.on('data', (data) => {
        received += data.toString('latin1')
        const head = received.indexOf('\r\n\r\n')
        if (head < 0) return
        const lengthAt = received.indexOf('content-length: ') + 16
        const length = Number.parseInt(received.slice(lengthAt, lengthAt + 10), 10)
        if (received.length < head + 4 + length) return

        latencies.record(Math.max(1, Math.round((performance.now() - sentAt) * 1000)))
        requests += 1
        if (received.startsWith('HTTP/1.1 200') && received.includes('"stored"', head)) {
          acked[kind.name] ??= []
          acked[kind.name]?.push(number)
        } else {
          const status = received.slice(9, 12)
          failures[status] = (failures[status] ?? 0) + 1
        }
        received = ''
        if (performance.now() < end) return send()
        socket.end()
        resolve()
      })
    })

  await Promise.all(Array.from({ length: connections }, client))
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

function kinds(workload: LoadOptions['workload']): Workload[] {
  return workload === 'mixture' ? mixture.map(([kind]) => kind) : [workloads[workload]]
}

function pick(workload: LoadOptions['workload'], number: number): Workload {
  if (workload !== 'mixture') return workloads[workload]
  // 37 is coprime to 100: consecutive numbers visit every percent once in a hundred, well mixed.
  let percent = (number * 37) % 100
  for (const [kind, share] of mixture) {
    if (percent < share) return kind
    percent -= share
  }
  throw new Error('the shares add up to 100')
}
