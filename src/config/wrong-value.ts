import type { TSchema } from '@sinclair/typebox'

const MOST_SHOWN = 60

/** One line about a setting with a wrong value: its name, the value unless it is a secret, and what to write instead. */
export function wrongValue(name: string, schema: TSchema | undefined, value: unknown): string {
  const isSecret = schema?.secret || schema?.type === 'array'
  const found = isSecret ? 'its value' : shown(String(value))
  return `${name}: ${found} is not allowed. Write ${allowedBy(schema)}.`
}

/** In quotes, so that a space or a quotation mark that belongs to the value is seen. */
const shown = (value: string) =>
  JSON.stringify(value.length > MOST_SHOWN ? `${value.slice(0, MOST_SHOWN)}…` : value)

function allowedBy(schema: TSchema | undefined): string {
  if (schema?.allowed) return schema.allowed
  if (schema?.type === 'integer') return `a whole number from ${schema.minimum} to ${schema.maximum}`
  const values: string[] = schema?.anyOf?.map(({ const: value }: { const: string }) => value) ?? []
  if (values.length === 0) return 'another one, as .env.example describes it'
  return `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`
}

/** Whether `pg` can read the URL. It also takes a URL without a host, and spaces. */
export function isReadableUrl(text: string): boolean {
  const url = text.replace('@/', '@host/')
  return URL.canParse(url, 'postgres://base') || URL.canParse(encodeURI(url), 'postgres://base')
}
