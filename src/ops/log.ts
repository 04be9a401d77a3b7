import { createRequire } from 'node:module'
import { type Logger, type LoggerOptions, pino } from 'pino'

/** Bytes of one write to standard output. The kernel does not mix this much with the writes of another process to a pipe. */
const WHOLE_WRITE = 4096

/**
 * A logger that writes one JSON line per event to standard output, asynchronously. In development, at a terminal, it
 * writes coloured text if pino-pretty is installed. `origin`: which of several
 * processes that share the output this is.
 */
export function createLog(
  level: string,
  isProduction = false,
  origin: Readonly<Record<string, string | number>> | null = null,
): Logger {
  const pretty = !isProduction && process.stdout.isTTY && isInstalled('pino-pretty')
  const log = pretty
    ? pino({ ...logOptions(level), transport: PRETTY })
    : pino(logOptions(level), output(origin !== null))
  return origin === null ? log : log.child(origin)
}

const PRETTY = { target: 'pino-pretty', options: { ignore: 'pid,hostname' } }

const output = (isShared: boolean) =>
  pino.destination({ dest: 1, sync: false, ...(isShared && { maxWrite: WHOLE_WRITE }) })

/** Errors are logged without their message, which may contain personal data: Postgres quotes a value that it can't read. */
export function logOptions(level: string): LoggerOptions {
  return { level, serializers: { err: describeError } }
}

function describeError(error: Error & { code?: string }): object {
  const frames = error.stack?.split('\n').filter((line) => line.startsWith('    at '))
  const cause = error.cause instanceof Error ? { cause: describeError(error.cause) } : {}
  return { type: error.name, code: error.code, stack: frames?.join('\n'), ...cause }
}

function isInstalled(name: string): boolean {
  try {
    createRequire(import.meta.url).resolve(name)
    return true
  } catch {
    return false
  }
}
