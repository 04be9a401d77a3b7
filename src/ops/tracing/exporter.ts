import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources'
import { BasicTracerProvider, BatchSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace-base'
import type { Logger } from 'pino'
import { VERSION } from '../version.ts'
import type { Protocol } from './settings.ts'

/** Links of one span. A group contains up to 512 deliveries; OpenTelemetry keeps 128 links unless told otherwise. */
const LINKS = 512

/** A provider whose spans are sent in batches. `OTEL_*` variables set its endpoint, sampler, limits and resource. */
export function exportingProvider(protocol: Protocol, log: Logger): BasicTracerProvider {
  const exporter = protocol === 'http/json' ? new JsonExporter() : new ProtobufExporter()
  const own = resourceFromAttributes({ 'service.name': 'nightpost', 'service.version': VERSION })
  return new BasicTracerProvider({
    resource: defaultResource()
      .merge(own)
      .merge(detectResources({ detectors: [envDetector] })),
    spanLimits: process.env.OTEL_SPAN_LINK_COUNT_LIMIT ? {} : { linkCountLimit: LINKS },
    spanProcessors: [new BatchSpanProcessor(reporting(exporter, log))],
  })
}

/** Logs when exports begin to fail and when they succeed again. The error's message may contain the endpoint's token. */
function reporting(exporter: SpanExporter, log: Logger): SpanExporter {
  let isFailing = false
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        if (result.error && !isFailing) log.warn({ err: result.error }, 'traces cannot be sent')
        if (!result.error && isFailing) log.info('traces are sent again')
        isFailing = result.error !== undefined
        done(result)
      }),
    forceFlush: async () => exporter.forceFlush?.(),
    shutdown: () => exporter.shutdown(),
  }
}
