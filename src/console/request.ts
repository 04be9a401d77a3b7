import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Html } from './html.ts'

/** Bytes of a form. The largest field is an id. */
const FORM_LIMIT = 16 * 1024

/** Reads forms. No other body is accepted. */
export function readForms(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: FORM_LIMIT },
    (_request, text, done) => done(null, new URLSearchParams(text as string)),
  )
}

/** A field of the form that was posted; empty if it has none. */
export function fieldOf({ body }: FastifyRequest, name: string): string {
  return body instanceof URLSearchParams ? (body.get(name) ?? '') : ''
}

/** A parameter of the URL; empty if it has none. Of a repeated one, the first. */
export function parameterOf({ query }: FastifyRequest, name: string): string {
  const value = (query as Record<string, unknown>)[name]
  const one = Array.isArray(value) ? value[0] : value
  return typeof one === 'string' ? one.trim() : ''
}

const uuid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i

/** The id of a delivery, in lower case as Postgres writes it; null if the value is none. */
export const idIn = (value: unknown): string | null =>
  typeof value === 'string' && uuid.test(value) ? value.toLowerCase() : null

/** The delivery that the path names; null if it is no id. */
export const deliveryIdOf = ({ params }: FastifyRequest): string | null =>
  idIn((params as { id?: string }).id)

export const sendPage = (reply: FastifyReply, page: Html): FastifyReply =>
  reply.type('text/html; charset=utf-8').send(page.text)
