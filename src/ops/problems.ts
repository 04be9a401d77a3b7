import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Unavailable } from '../ingest/delivery.ts'
import { RejectedError } from '../ingest/receive.ts'
import { type Problem, type ProblemCode, ProblemError, problem } from '../problem.ts'
import { RETRY_AFTER } from './shed.ts'

/** Every failure leaves as a problem document that names no value. */
export function answerProblems(app: FastifyInstance): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    if (error instanceof RejectedError) return send(reply, error.problem)
    if (error instanceof ProblemError) return send(reply.headers(error.headers), error.problem)
    if (error instanceof Unavailable) {
      // A full queue says all in the request's own line; a database that fails has more to tell.
      if (error.cause) request.log.error({ err: error.cause }, error.message)
      return send(reply.headers(RETRY_AFTER), problem('unavailable', error.message))
    }
    const known = fromFastify(error)
    if (!known) request.log.error({ err: error }, 'unexpected failure')
    return send(reply, known ?? problem('internal', 'This is a fault of Nightpost; its log says more.'))
  })

  app.setNotFoundHandler((request, reply) => {
    const methods = allowedMethods(app, request)
    if (methods.length === 0) return send(reply, problem('not_found', 'There is nothing at this path.'))
    const allow = methods.join(', ')
    return send(reply.header('allow', allow), problem('method_not_allowed', `This path takes ${allow}.`))
  })
}

function send(reply: FastifyReply, document: Problem): FastifyReply {
  return reply.code(document.status).type('application/problem+json').send(document)
}

function allowedMethods(app: FastifyInstance, request: FastifyRequest): string[] {
  const url = request.url.split('?', 1)[0] ?? ''
  return ['GET', 'HEAD', 'POST'].filter((method) => app.hasRoute({ method: method as 'GET', url }))
}

const codes: Record<string, ProblemCode> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'bad_request',
  FST_ERR_BAD_URL: 'not_found',
}

function fromFastify(error: FastifyError): Problem | undefined {
  const code = codes[error.code]
  if (code === 'body_too_large') return problem(code, 'The body is larger than BODY_LIMIT_BYTES.')
  if (code === 'unsupported_media_type') return problem(code, 'Send the body as application/json.')
  if (code) return problem(code, 'The request could not be read.')
  const isRequestFault = error.validation !== undefined || (error.statusCode ?? 500) < 500
  return isRequestFault ? problem('bad_request', 'The request could not be read.') : undefined
}

const HTTP_FAULTS: Record<string, ProblemCode> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
}

/** The answer to bytes that are no HTTP request: nothing but the socket exists yet. */
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
