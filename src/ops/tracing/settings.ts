/** The protocols of OTLP over HTTP. gRPC is not among them: its library is larger than all others together. */
export type Protocol = 'http/protobuf' | 'http/json'

/** A variable of OpenTelemetry that is wrong. The message names it and what is allowed; an endpoint may hold a token. */
export class TracingError extends Error {
  override readonly name = 'TracingError'
}

type Environment = Readonly<Record<string, string | undefined>>

const ENDPOINTS = ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT']
const PROTOCOLS = ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL']

/**
 * How traces are sent, from the `OTEL_*` variables that OpenTelemetry specifies; null if they are not sent. The
 * libraries of OpenTelemetry read the other variables. Throws `TracingError`.
 */
export function protocolFor(environment: Environment): Protocol | null {
  const given = (name: string) => environment[name]?.trim() || undefined
  const exporter = given('OTEL_TRACES_EXPORTER')
  const endpoint = ENDPOINTS.find(given)
  if (given('OTEL_SDK_DISABLED')?.toLowerCase() === 'true') return null
  if (exporter === 'none' || (exporter === undefined && endpoint === undefined)) return null
  if (exporter !== undefined && exporter !== 'otlp') {
    throw new TracingError(`OTEL_TRACES_EXPORTER: found ${exporter}; allowed are otlp and none`)
  }
  for (const name of ENDPOINTS.filter(given)) {
    const url = given(name) ?? ''
    if (!/^https?:/i.test(url) || !URL.canParse(url)) {
      throw new TracingError(`${name}: expected a URL such as http://localhost:4318`)
    }
  }
  const name = PROTOCOLS.find(given)
  const protocol = name ? given(name) : 'http/protobuf'
  if (protocol === 'http/protobuf' || protocol === 'http/json') return protocol
  throw new TracingError(`${name}: found ${protocol}; allowed are http/protobuf (port 4318) and http/json`)
}
