import type { FastifyError, FastifyInstance, FastifyReply } from 'fastify'
import { type Problem, type ProblemCode, ProblemError, problem } from '../contract/problem.ts'
import { Unavailable } from '../ingest/delivery.ts'
import { RETRY_AFTER } from '../ingest/intake.ts'
import { RejectedError } from '../ingest/receive.ts'
import { earlyAnswer, isUnread } from './early-answer.ts'
import { traceField } from './request-log.ts'

/** Answers every failure with a problem document. No document contains a value of the request. */
export function answerProblems(app: FastifyInstance): void {
  const routes = collectMethods(app)
  app.setErrorHandler((error: FastifyError, request, reply) => {
    if (error instanceof RejectedError) return send(reply, error.problem)
    if (error instanceof ProblemError) return send(reply.headers(error.headers), error.problem)
    if (error instanceof Unavailable) {
      // The request's log line is enough for a full queue. A failing database has an error to log.
      if (error.cause) request.log.error({ err: error.cause, ...traceField(request.trace) }, error.message)
      return send(reply.headers(RETRY_AFTER), problem('unavailable', error.message))
    }
    const known = fromFastify(error)
    if (!known) request.log.error({ err: error, ...traceField(request.trace) }, 'unexpected failure')
    return send(reply, known ?? problem('internal', 'This is a fault of Nightpost; its log says more.'))
  })

  app.setNotFoundHandler((request, reply) => {
    const methods = routes.get(request.url.split('?', 1)[0] ?? '')
    if (!methods) return send(reply, problem('not_found', 'There is nothing at this path.'))
    const allow = [...methods].join(', ')
    return send(reply.header('allow', allow), problem('method_not_allowed', `This path allows ${allow}.`))
  })
}

function send(reply: FastifyReply, document: Problem): FastifyReply {
  reply.code(document.status).type('application/problem+json')
  const { raw } = reply.request
  if (!isUnread(raw)) return reply.send(document)
  const text = JSON.stringify(document)
  return reply
    .headers({ connection: 'close', 'content-length': Buffer.byteLength(text) })
    .send(earlyAnswer(raw, text))
}

/** Collects the methods of each path from the routes declared later. Fastify's router throws for a path such as `/:a(`. */
function collectMethods(app: FastifyInstance): ReadonlyMap<string, ReadonlySet<string>> {
  const routes = new Map<string, Set<string>>()
  app.addHook('onRoute', ({ url, method }) => {
    const methods = routes.get(url) ?? new Set()
    for (const one of [method].flat()) methods.add(one)
    routes.set(url, methods)
  })
  return routes
}

const codes: Record<string, ProblemCode> = {
  FST_ERR_BAD_URL: 'not_found',
}

function fromFastify(error: FastifyError): Problem | undefined {
  const code = codes[error.code]
  if (code) return problem(code, 'The request could not be read.')
  const isRequestFault = error.validation !== undefined || (error.statusCode ?? 500) < 500
  return isRequestFault ? problem('bad_request', 'The request could not be read.') : undefined
}

const HTTP_FAULTS: Record<string, ProblemCode> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
}

/** The answer, as text, to bytes that are not an HTTP request: at that point only the socket exists. */
export function rawProblem(error: NodeJS.ErrnoException): string {
  const document = problem(HTTP_FAULTS[error.code ?? ''] ?? 'bad_request', 'The request could not be read.')
  const body = JSON.stringify(document)
  return [
    `HTTP/1.1 ${document.status} ${document.title}`,
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
    '',
    body,
  ].join('\r\n')
}
