import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { freePort, keepPort, usualPort } from '../src/embedded/port.ts'

let directory: string
const servers: Server[] = []
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'nightpost-port-'))
})
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
  rmSync(directory, { recursive: true })
})

async function occupy(port: number): Promise<void> {
  const server = createServer().listen(port, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
}

it('the embedded server gets the port that it had last, as long as it is free', async () => {
  const port = await freePort(0)
  keepPort(directory, port)
  expect(await usualPort(directory)).toBe(port)
  await occupy(port)
  expect(await usualPort(directory)).not.toBe(port)
})

it('clones side by side get different ports, and keep them', async () => {
  const ports: number[] = []
  for (const clone of ['a', 'b', 'c']) {
    mkdirSync(join(directory, clone))
    const port = await usualPort(join(directory, clone))
    await occupy(port)
    keepPort(join(directory, clone), port)
    ports.push(port)
  }
  expect(new Set(ports).size).toBe(3)
  expect(Math.min(...ports)).toBeGreaterThanOrEqual(54329)
  for (const server of servers.splice(0)) server.close()
  expect(await usualPort(join(directory, 'c'))).toBe(ports[2])
})

it.each(['', 'x', '0', '70000', '-1'])('a port file with the text "%s" is ignored', async (text) => {
  writeFileSync(join(directory, 'port'), text)
  expect(await usualPort(directory)).toBeGreaterThanOrEqual(54329)
})
