import { createRequire } from 'node:module'
import { type Logger, type LoggerOptions, pino } from 'pino'

/**
 * One JSON line per event on standard output, written behind the work; in development and at a terminal
 * coloured for a person, where pino-pretty is installed.
 */
export function createLog(level: string, isProduction = false): Logger {
  const pretty = !isProduction && process.stdout.isTTY && isInstalled('pino-pretty')
  if (!pretty) return pino(logOptions(level), pino.destination({ dest: 1, sync: false }))
  const transport = { target: 'pino-pretty', options: { ignore: 'pid,hostname' } }
  return pino({ ...logOptions(level), transport })
}

/** An error is logged without its message, which may quote a value: Postgres names the text it could not read. */
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
