import cluster from 'node:cluster'
import { EventEmitter } from 'node:events'
import { expect, it, vi } from 'vitest'
import { Supervisor } from '../src/workers/supervisor.ts'

it('a supervisor goes on when the system refuses a further process, and tries again', async () => {
  const process = (pid?: number) => ({ pid, kill: () => true, exitCode: null })
  const workerWith = (pid?: number) =>
    Object.assign(new EventEmitter(), {
      process: process(pid),
      isConnected: () => false,
      isDead: () => true,
    })
  const listening = () => {
    const worker = workerWith(1)
    setImmediate(() => worker.emit('message', { kind: 'listening', at: { address: 'a', console: null } }))
    return worker
  }
  const reported = () => {
    const worker = workerWith()
    setImmediate(() => worker.emit('error', Object.assign(new Error(), { code: 'EAGAIN' })))
    return worker
  }
  const forks = [Object.assign(new Error(), { code: 'ENOMEM' }), listening, reported, listening]
  const spy = vi.spyOn(cluster, 'fork').mockImplementation(() => {
    const next = forks.shift()
    if (typeof next !== 'function') throw next
    return next() as never
  })
  try {
    const lines: object[] = []
    const write = (fields: object, msg: string) => lines.push({ ...fields, msg })
    const supervisor = new Supervisor({
      log: { info: write, warn: write, error: write } as never,
      ...{ workers: 2, heapOfEach: 128, rollDelay: 0, orders: {} as never },
    })
    expect(await supervisor.begin()).toBe(null)
    expect(await supervisor.begin()).toMatchObject({ address: 'a' })
    await vi.waitUntil(() => lines.length === 4, { timeout: 5_000 })
    expect(lines).toMatchObject([
      { worker: 1, code: 'ENOMEM' },
      { worker: 1, msg: 'the worker listens' },
      { worker: 2, code: 'EAGAIN' },
      { worker: 2, msg: 'the worker listens' },
    ])
  } finally {
    spy.mockRestore()
  }
})
