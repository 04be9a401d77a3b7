import { readFileSync } from 'node:fs'
import { parse } from 'yaml'

/** The parts of a service of docker-compose.yml that our tools read. */
export interface ComposeService {
  readonly image?: string
  readonly build?: string
  readonly profiles?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly [key: string]: unknown
}

export interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>
  readonly configs?: Readonly<Record<string, { content: string }>>
  readonly volumes?: Readonly<Record<string, unknown>>
}

/** The compose file at `path`, with merge keys applied and the variables of `environment` in place. */
export function readComposeFile(
  path: string,
  environment: Readonly<Record<string, string | undefined>> = {},
): ComposeFile {
  return interpolated(parse(readFileSync(path, 'utf8'), { merge: true }), environment) as ComposeFile
}

/** Like Compose, in every string and not in keys. Throws if a form is used that is not supported here. */
function interpolated(value: unknown, environment: Readonly<Record<string, string | undefined>>): unknown {
  if (typeof value === 'string') return withVariables(value, environment)
  if (Array.isArray(value)) return value.map((entry) => interpolated(entry, environment))
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [key, interpolated(entry, environment)]),
  )
}

function withVariables(text: string, environment: Readonly<Record<string, string | undefined>>): string {
  return text.replace(/\$\$|\$\{(\w+):-([^}]*)\}|\$/g, (found, name?: string, fallback?: string) => {
    if (found === '$$') return '$'
    if (name === undefined) throw new Error(`only \${NAME:-default} and $$ are supported: ${text}`)
    return environment[name] || (fallback ?? '')
  })
}
