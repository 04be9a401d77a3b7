import { type Link, type Span, SpanKind, SpanStatusCode, type Tracer } from '@opentelemetry/api'
import {
  type CommitTrace,
  commitChannel,
  type DeliveryTrace,
  deliveryChannel,
} from '../../contract/channels.ts'
import { problems } from '../../contract/problem.ts'

/** Makes spans of what the tracing channels publish. Returns a function that ends this. */
export function makeSpans(tracer: Tracer): () => void {
  const spans = new WeakMap<object, Span>()

  const beginDelivery = (message: unknown) => {
    const trace = message as DeliveryTrace
    const span = tracer.startSpan('nightpost.delivery', {
      kind: SpanKind.SERVER,
      attributes: {
        'http.request.method': 'POST',
        'http.route': `/webhooks/${trace.vendor}`,
        'nightpost.vendor': trace.vendor,
      },
      links: linkToSender(trace.traceparent),
    })
    spans.set(trace, span)
    // The id of a trace that is not sampled leads nowhere.
    if (span.isRecording()) trace.traceId = span.spanContext().traceId
  }

  const endDelivery = (message: unknown) => {
    const trace = message as DeliveryTrace
    // A span that does not end is not sent: requests without a credential must not fill the exporter's queue.
    if (trace.authenticatedBy === null) return
    const span = spans.get(trace)
    span?.setAttributes({
      'nightpost.authenticated_by': trace.authenticatedBy,
      'nightpost.body_bytes': trace.bytes ?? undefined,
      'nightpost.event': trace.event ?? undefined,
      'nightpost.outcome': trace.result?.outcome,
      'nightpost.delivery_id': trace.result?.deliveryId,
      'nightpost.problem': trace.result?.problem?.code,
    })
    end(span, trace)
  }

  const beginCommit = (message: unknown) => {
    const trace = message as CommitTrace
    const deliveries = trace.deliveries.flatMap((delivery) => {
      const span = spans.get(delivery)
      return span?.isRecording() ? span : []
    })
    if (deliveries.length === 0) return
    const span = tracer.startSpan('nightpost.commit', {
      // A commit belongs to all its deliveries, so none of them is its parent.
      root: true,
      kind: SpanKind.CLIENT,
      attributes: { 'db.system.name': 'postgresql', 'nightpost.deliveries': trace.size },
      links: deliveries.map((delivery) => ({ context: delivery.spanContext() })),
    })
    spans.set(trace, span)
    // Most viewers follow a link only forwards, and people begin at the delivery.
    if (span.isRecording()) {
      for (const delivery of deliveries) delivery.addLink({ context: span.spanContext() })
    }
  }

  const endCommit = (message: unknown) => end(spans.get(message as CommitTrace), message as CommitTrace)

  deliveryChannel.start.subscribe(beginDelivery)
  deliveryChannel.asyncEnd.subscribe(endDelivery)
  commitChannel.start.subscribe(beginCommit)
  commitChannel.asyncEnd.subscribe(endCommit)
  return () => {
    deliveryChannel.start.unsubscribe(beginDelivery)
    deliveryChannel.asyncEnd.unsubscribe(endDelivery)
    commitChannel.start.unsubscribe(beginCommit)
    commitChannel.asyncEnd.unsubscribe(endCommit)
  }
}

/**
 * The sender's span is a link, not the parent: the sender is foreign and its trace is not in the operator's backend,
 * where a delivery would be a part of a trace without a root. A parent would also decide what is sampled here.
 */
function linkToSender(traceparent: string | null): Link[] {
  if (traceparent === null) return []
  const [, traceId = '', spanId = '', flags = ''] = traceparent.split('-')
  return [{ context: { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true } }]
}

function end(span: Span | undefined, { error }: DeliveryTrace | CommitTrace): void {
  if (error) {
    span?.setAttribute('error.type', error.code ?? error.name)
    if (!isFaultOfRequest(error.code)) span?.setStatus({ code: SpanStatusCode.ERROR })
  }
  span?.end()
}

/** Whether it is the code of a problem that is answered 4xx. */
function isFaultOfRequest(code: string | null): boolean {
  const known: Readonly<Record<string, { status: number }>> = problems
  return code !== null && Object.hasOwn(known, code) && (known[code]?.status ?? 500) < 500
}
