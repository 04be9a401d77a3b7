import { createRequire } from 'node:module'
import { type Logger, type LoggerOptions, pino } from 'pino'

/**
 * A logger that writes one JSON line per event to standard output, asynchronously. In development, at a terminal, it
 * writes coloured text if pino-pretty is installed.
 */
export function createLog(level: string, isProduction = false): Logger {
  const pretty = !isProduction && process.stdout.isTTY && isInstalled('pino-pretty')
  if (!pretty) return pino(logOptions(level), pino.destination({ dest: 1, sync: false }))
  const transport = { target: 'pino-pretty', options: { ignore: 'pid,hostname' } }
  return pino({ ...logOptions(level), transport })
}

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
