// Strangers without a credential, in a process of their own: each of many sockets does one of ten things, again and again.
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'

export interface HostileOptions {
  readonly port: number
  readonly sockets: number
  /** Connections that say nothing at all, beside them. */
  readonly idle: number
}

process.once('message', (options: HostileOptions) => attack(options))
process.once('disconnect', () => process.exit())
process.on('SIGINT', () => {})

const MB = 2 ** 20
const SIGNATURE = `x-signature: ${'f'.repeat(64)}`
const head = (...headers: string[]) =>
  `${['POST /webhooks/sahha HTTP/1.1', 'host: x', ...headers].join('\r\n')}\r\n\r\n`
const announced = (bytes: number, ...more: string[]) => head(SIGNATURE, `content-length: ${bytes}`, ...more)
const get = (path: string) => `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`

const BODY = Buffer.alloc(10 * MB, '{"a": [1, 2, 3]}, ')
const BOMB = gzipSync(Buffer.alloc(9 * MB, 32))
const HEADERS = Array.from({ length: 150 }, (_, n) => `x-header-${n}: ${'y'.repeat(80)}`)

/** What a socket does; it is closed when that is done. */
const deeds: ReadonlyArray<(socket: Socket) => Promise<void>> = [
  // Announces a large body, and says nothing more.
  async (socket) => {
    socket.write(announced(10 * MB))
    await sleep(5000)
  },
  // Sends a part of it, and stays.
  async (socket) => {
    socket.write(announced(10 * MB))
    socket.write(BODY.subarray(0, 200_000))
    await sleep(5000)
  },
  // Sends all of it.
  async (socket) => {
    socket.write(announced(BODY.length))
    await written(socket, BODY)
    await sleep(1000)
  },
  // The same without a length.
  async (socket) => {
    socket.write(`${head(SIGNATURE, 'transfer-encoding: chunked')}${BODY.length.toString(16)}\r\n`)
    await written(socket, BODY)
    await sleep(1000)
  },
  // A byte at a time.
  async (socket) => {
    socket.write(announced(1000))
    for (let n = 0; n < 50 && !socket.destroyed; n += 1) {
      socket.write('x')
      await sleep(100)
    }
  },
  // Little that unpacks to much.
  async (socket) => {
    socket.write(announced(BOMB.length, 'content-encoding: gzip'))
    await written(socket, BOMB)
    await sleep(200)
  },
  // A claim behind another request, and a reset.
  async (socket) => {
    socket.write(get('/health/ready') + announced(99_999_999_999_999))
    await sleep(20)
    socket.resetAndDestroy()
  },
  // Many requests at once, whose answers nobody reads.
  async (socket) => {
    socket.pause()
    socket.write(get('/metrics').repeat(100))
    await sleep(1000)
  },
  async (socket) => {
    socket.pause()
    socket.write(get('/docs/static/swagger-ui-bundle.js').repeat(16))
    await sleep(2000)
  },
  // Headers that fill what there is for them, and don't end.
  async (socket) => {
    socket.write(`POST /webhooks/sahha HTTP/1.1\r\nhost: x\r\n${HEADERS.join('\r\n')}`)
    await sleep(5000)
  },
]

function attack({ port, sockets, idle }: HostileOptions): void {
  for (let n = 0; n < sockets; n += 1) void again(port, deeds[n % deeds.length] as (typeof deeds)[number])
  for (let n = 0; n < idle; n += 1) void again(port, () => sleep(60_000))
}

async function again(port: number, deed: (socket: Socket) => Promise<void>): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    socket.resume()
    const gone = new Promise<void>((resolve) => socket.once('close', () => resolve()))
    await Promise.race([deed(socket), gone])
    socket.destroy()
    await sleep(50)
  }
}

/** Resolves when the other side has taken all of it, or is gone. */
function written(socket: Socket, data: Buffer): Promise<void> {
  return new Promise((resolve) => {
    socket.once('close', () => resolve())
    socket.write(data, () => resolve())
  })
}
