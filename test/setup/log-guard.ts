// Checks that no log contains a secret. It collects the log lines of services (in the test or in processes of their own),
// the output of commands, and the log of an embedded Postgres. After each test file, none of these lines may contain a
// credential, a user id or a piece of a body that was sent in that file. Commands that show data on purpose (sql,
// hypnogram, demo) are not checked. `log-guard-check.ts` searches them.
import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { pino } from 'pino'
import { KNOWN_VALUES } from '../../src/contract/schema.ts'
import { logOptions } from '../../src/ops/log.ts'
import { vendors } from '../../src/vendors/index.ts'

const lines: string[] = []
const secrets = new Set<string>()

/** Texts that bodies and log lines may both contain: words of Nightpost and of the vendors' documentation. */
const harmless = [
  ...['stored', 'rejected', 'sha256', 'application/json', 'webhooks', 'message', 'string'],
  ...vendors.flatMap(({ name, events }) => [name, ...events.map((event) => event.name)]),
  ...vendors.flatMap(({ events }) => events.flatMap(({ schema }) => [...knownValues(schema)])),
].filter((word) => typeof word === 'string')

/** Shorter texts occur in log lines by chance. */
const MIN_LENGTH = 6
const MAX_SECRETS = 5000

const secretHeaders = ['x-api-key', 'x-signature', 'x-user-id', 'x-external-id', 'authorization']

/** Adds a line that must not contain a secret. The name of an event is shown on purpose if it looks like a name. */
export function guardLine(line: string): void {
  lines.push(withoutEvent(line))
}

/** A log line without its event, unless that does not look like a name. */
export const withoutEvent = (line: string) => line.replace(/"event":"[A-Za-z][\w.-]{0,63}",/, '')

/** A logger for code that runs in the test itself. */
export const guardedLog = pino(logOptions('trace'), { write: guardLine })

/**
 * Adds the log of a service that runs as a process of its own: JSON lines on standard output, all lines on standard
 * error. Other lines on standard output are the banner, which shows generated development credentials.
 */
export function guardProcess({ stdout, stderr }: Pick<ChildProcess, 'stdout' | 'stderr'>): void {
  eachLine(stdout, (line) => line.startsWith('{') && guardLine(line))
  eachLine(stderr, guardLine)
}

function eachLine(stream: Readable | null, onLine: (line: string) => void): void {
  if (stream) createInterface({ input: stream }).on('line', onLine)
}

/** Adds the secrets of a request: credentials, user ids, the body and the strings in it. */
export function guardRequest(headers: Readonly<Record<string, string>>, body: Buffer): void {
  if (secrets.size === MAX_SECRETS) return
  for (const name of secretHeaders) guardSecret(headers[name])
  const text = body.toString('utf8')
  guardText(text)
  try {
    for (const leaf of leaves(JSON.parse(text))) {
      guardText(leaf)
      if (secrets.size === MAX_SECRETS) return
    }
  } catch {
    // The body is not JSON. The whole text was added above.
  }
}

/** Adds a secret, unless it is too short or harmless. */
export function guardSecret(secret: string | undefined): void {
  if (secret === undefined || secret.trim().length < MIN_LENGTH || secrets.size === MAX_SECRETS) return
  if (!harmless.includes(secret)) secrets.add(secret)
}

/** Adds text of a body, unless it is part of a harmless word: some tests send truncated bodies. */
function guardText(text: string): void {
  if (!harmless.some((word) => word.includes(text))) guardSecret(text)
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

/**
 * The secrets that the log contains. Every six characters of it are looked up among the beginnings of the secrets: to search
 * a long log for each of thousands of secrets takes seconds.
 */
export function leaks(): string[] {
  const byBeginning = new Map<string, Array<{ secret: string; escaped: string }>>()
  for (const secret of secrets) {
    // The lines are JSON, so the secrets in them are escaped.
    const escaped = JSON.stringify(secret).slice(1, -1)
    const beginning = escaped.slice(0, MIN_LENGTH)
    byBeginning.set(beginning, [...(byBeginning.get(beginning) ?? []), { secret, escaped }])
  }
  const found = new Set<string>()
  for (const line of lines) {
    for (let at = 0; at + MIN_LENGTH <= line.length; at += 1) {
      for (const { secret, escaped } of byBeginning.get(line.slice(at, at + MIN_LENGTH)) ?? [])
        if (line.startsWith(escaped, at)) found.add(secret)
    }
  }
  return [...found]
}

/** Forgets the lines and secrets of the previous test file: one worker runs many. */
export function beginGuard(): void {
  lines.length = 0
  secrets.clear()
}
