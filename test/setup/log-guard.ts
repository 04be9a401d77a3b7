// Looks at every line that services log in the tests, within them or in processes of their own, at what commands
// report, and at the log of an embedded Postgres: after each test file none of it may hold a credential, a user id or
// a piece of a body that was sent in that file. What shows data on purpose (sql, hypnogram, demo) is left out.
import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { pino } from 'pino'
import { afterAll, expect } from 'vitest'
import { KNOWN_VALUES } from '../../src/ingest/schema.ts'
import { logOptions } from '../../src/log.ts'
import { vendors } from '../../src/vendors/index.ts'

const lines: string[] = []
const secrets = new Set<string>()

/** Text that a line may hold though a body does too: words of Nightpost's own and of the vendors' documentation. */
const harmless = [
  ...['stored', 'rejected', 'sha256', 'application/json', 'webhooks', 'message', 'string'],
  ...vendors.flatMap(({ name, events }) => [name, ...events.map((event) => event.name)]),
  ...vendors.flatMap(({ events }) => events.flatMap(({ schema }) => [...knownValues(schema)])),
].filter((word) => typeof word === 'string')

/** Shorter text stands in any line by chance. */
const SHORTEST = 6
const MOST = 5000

const secretHeaders = ['x-api-key', 'x-signature', 'x-user-id', 'x-external-id', 'authorization']

/** A line of a service's log. */
export function logged(line: string): void {
  lines.push(line)
}

/** A log for what runs within a test. */
export const watchedLog = pino(logOptions('trace'), { write: logged })

/**
 * The log of a service that runs as a process of its own: JSON on standard output, anything on standard error. Other
 * output is the banner, which shows the credentials that it generated for development.
 */
export function listen({ stdout, stderr }: Pick<ChildProcess, 'stdout' | 'stderr'>): void {
  eachLine(stdout, (line) => line.startsWith('{') && logged(line))
  eachLine(stderr, logged)
}

function eachLine(stream: Readable | null, take: (line: string) => void): void {
  if (stream) createInterface({ input: stream }).on('line', take)
}

/** A request of a test: what is secret in it must not be logged. */
export function sent(headers: Readonly<Record<string, string>>, body: Buffer): void {
  for (const name of secretHeaders) keep(headers[name])
  const text = body.toString('utf8')
  keepPiece(text)
  try {
    for (const leaf of leaves(JSON.parse(text))) keepPiece(leaf)
  } catch {
    // Not JSON: the whole text is kept already.
  }
}

export function keep(secret: string | undefined): void {
  if (secret === undefined || secret.trim().length < SHORTEST || secrets.size === MOST) return
  if (!harmless.includes(secret)) secrets.add(secret)
}

/** Part of a body: what a test cuts out of one may leave a piece of a harmless word. */
function keepPiece(text: string): void {
  if (!harmless.some((word) => word.includes(text))) keep(text)
}

function* leaves(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value
  else if (typeof value === 'object' && value !== null)
    for (const inner of Object.values(value)) yield* leaves(inner)
}

function* knownValues(schema: unknown): Generator<unknown> {
  if (typeof schema !== 'object' || schema === null) return
  for (const [key, inner] of Object.entries(schema)) {
    if (key === KNOWN_VALUES) yield* inner
    else yield* knownValues(inner)
  }
}

/** The secrets of the tests that stand in the log. */
export function leaks(): string[] {
  const text = lines.join('\n')
  // A line is JSON, so what stands in it is escaped.
  return [...secrets].filter((secret) => text.includes(JSON.stringify(secret).slice(1, -1)))
}

afterAll(() => {
  expect(leaks(), 'credentials, user ids or pieces of bodies in the log').toEqual([])
})
