import type { Logger } from 'pino'
import { VERSION } from '../version.ts'
import { protocolFor } from './settings.ts'

/** Traces that are being sent. */
export interface Tracing {
  /** Sends what is left, within `FLUSH_MS`. */
  close(): Promise<void>
}

/** Milliseconds that the end of the process waits for the collector. */
const FLUSH_MS = 3000

/**
 * Sends the service's traces as the `OTEL_*` variables say, or to the provider that a preloaded file has registered.
 * Does nothing without either, and then loads no library of OpenTelemetry. Throws `TracingError`.
 */
export async function startTracing(log: Logger, environment = process.env): Promise<Tracing> {
  const isPreloaded = hasProvider()
  const protocol = isPreloaded ? null : protocolFor(environment)
  if (!isPreloaded && protocol === null) return { close: async () => {} }

  // Imported here, so that a service without traces loads neither.
  const { makeSpans } = await import('./spans.ts')
  if (protocol === null) {
    const { trace } = await import('@opentelemetry/api')
    log.info('traces go to the preloaded provider of OpenTelemetry')
    const stop = makeSpans(trace.getTracer('nightpost', VERSION))
    return { close: async () => stop() }
  }
  const { exportingProvider } = await import('./exporter.ts')
  const provider = exportingProvider(protocol, log)
  log.info({ protocol }, 'traces are sent')
  const stop = makeSpans(provider.getTracer('nightpost', VERSION))
  return {
    close: async () => {
      stop()
      await settledWithin(FLUSH_MS, provider.shutdown())
    },
  }
}

/** Where `@opentelemetry/api` of any version 1 keeps what is registered. */
const API = Symbol.for('opentelemetry.js.api.1')

function hasProvider(): boolean {
  return (globalThis as { [API]?: { trace?: unknown } })[API]?.trace !== undefined
}

async function settledWithin(milliseconds: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise((resolve) => {
    timer = setTimeout(resolve, milliseconds)
  })
  await Promise.race([work.catch(() => {}), timeout])
  clearTimeout(timer)
}
