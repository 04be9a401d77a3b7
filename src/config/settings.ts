import { type Static, type TObject, Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { vendors } from '../vendors/index.ts'
import { PullSettings, reconcileProperties } from './reconcile-settings.ts'
import { isReadableUrl, wrongValue } from './wrong-value.ts'

const RateLimit = (description: string) =>
  Type.Integer({ default: 0, minimum: 0, maximum: 1e9, description: `${description}; 0: no limit` })

const Days = (description: string) =>
  Type.Optional(Type.Integer({ minimum: 1, maximum: 36_500, description }))

const OneOf = <T extends string>(...values: T[]) => values.map((value) => Type.Literal(value))

/** Of every setting: `allowed` completes "Write …" in an error, unless the type says it. `secret`: no error shows the value. */
const PostgresUrl = (description: string) =>
  Type.Optional(
    Type.String({
      pattern: '^postgres(ql)?://',
      secret: true,
      allowed:
        'postgres://user:password@host:5432/database, with # / ? @ and % in the password percent-encoded (# is %23)',
      description,
    }),
  )

const SettingsSchema = Type.Object({
  DATABASE_URL: PostgresUrl('Postgres 15 or newer; absent: embedded Postgres in .data/'),
  MIGRATE_DATABASE_URL: PostgresUrl(
    'A direct connection for migrations and replay, if DATABASE_URL is a pooler in transaction mode',
  ),
  DATABASE_SCHEMA: Type.String({
    default: 'public',
    pattern: '^(?!pg_)[A-Za-z_][A-Za-z0-9_$]{0,62}$',
    allowed: 'a name of at most 63 letters, digits, _ and $ that begins with a letter or _, and not with pg_',
    description: 'Schema of all tables and views',
  }),
  DATABASE_POOLING: Type.Union(OneOf('auto', 'session', 'transaction'), {
    default: 'auto',
    description: 'Mode of a pooler in DATABASE_URL; auto: detected at the start',
  }),
  HOST: Type.String({ default: '127.0.0.1', description: 'Address to listen on' }),
  PORT: Type.Integer({
    default: 3000,
    minimum: 0,
    maximum: 65_535,
    description: 'Port to listen on; 0: any free one',
  }),
  WORKERS: Type.String({
    default: '1',
    pattern: '^(auto|[1-9]|[1-5][0-9]|6[0-4])$',
    allowed: 'a whole number from 1 to 64, or auto for one on each core',
    description: 'Processes that receive deliveries on one port; auto: one for each core',
  }),
  BODY_LIMIT_BYTES: Type.Integer({
    default: 10 * 2 ** 20,
    minimum: 1024,
    maximum: 256 * 2 ** 20,
    description: 'Largest body accepted',
  }),
  QUARANTINE_UNVERIFIED_MAX_BYTES: Type.Integer({
    default: 0,
    minimum: 0,
    maximum: 2 ** 40,
    description:
      'Bytes of deliveries that fail authentication and are kept; the oldest are deleted first; 0: none is kept',
  }),
  MAX_IN_FLIGHT_BYTES: Type.Integer({
    default: 128 * 2 ** 20,
    minimum: 2 ** 20,
    maximum: 2 ** 40,
    description: 'Bytes of bodies between socket and commit; above it the answer is 503',
  }),
  RATE_LIMIT_PER_ADDRESS: RateLimit('Requests per minute of one address'),
  RATE_LIMIT_PER_CREDENTIAL: RateLimit('Authentic deliveries per minute of one credential'),
  TRUST_PROXY: Type.String({
    default: 'false',
    // Every address contains a dot or a colon.
    pattern: '^(true|false|[1-9][0-9]?|[0-9a-fA-F:./, ]*[.:][0-9a-fA-F:./, ]*)$',
    allowed: 'true, false, the number of proxies, or their addresses, such as 10.0.0.0/8,::1',
    description: 'Proxies whose X-Forwarded-For names the sender: true, how many, or their addresses',
  }),
  SHUTDOWN_DELAY_SECONDS: Type.Integer({
    default: 0,
    minimum: 0,
    maximum: 60,
    description:
      'Seconds between SIGTERM and the shutdown in which /health/ready answers 503 and requests are still taken',
  }),
  LOG_LEVEL: Type.Union(OneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'), {
    default: 'info',
    description: 'pino level',
  }),
  LOG_ID_KEY: Type.Optional(
    Type.String({
      minLength: 16,
      secret: true,
      allowed: '16 characters or more (openssl rand -hex 16 makes 32)',
      description:
        'Key of the hashes of user ids in the log; absent: a random key, so hashes change with every start',
    }),
  ),
  METRICS_TOKEN: Type.Optional(
    Type.String({
      secret: true,
      description:
        'Bearer token required for GET /metrics and GET /status; absent: no token, but in production only the own network',
    }),
  ),
  DOCS: Type.Optional(
    Type.Union(OneOf('on', 'off'), {
      description: 'Pages at /docs; absent: on, but off in production',
    }),
  ),
  CONSOLE_PORT: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 65_535,
      description: 'Port of the console; absent: 3002, in development any free one if that is taken',
    }),
  ),
  CONSOLE_HOST: Type.String({ default: '127.0.0.1', description: 'Address that the console listens on' }),
  CONSOLE_TOKEN: Type.Optional(
    Type.String({
      minLength: 16,
      secret: true,
      allowed: '16 characters or more (openssl rand -hex 24 makes 48)',
      description:
        'What a person logs in to the console with; absent: a generated one, but in production no console',
    }),
  ),
  CONSOLE_BODIES: Type.Union(OneOf('on', 'off'), {
    default: 'on',
    description: 'Whether the console shows bodies and health values to those who ask for them',
  }),
  BODY_RETENTION_DAYS: Days('Days for which the bodies of stored deliveries are kept; absent: for ever'),
  DELIVERY_RETENTION_DAYS: Days(
    'Days for which entries of the ledger are kept, with their bodies, and the quarantine; absent: for ever',
  ),
  WINDOW_RETENTION_DAYS: Type.Integer({
    default: 14,
    minimum: 1,
    maximum: 36_500,
    description: 'Days for which provisional windows of a session are kept after it is complete',
  }),
  MAINTENANCE: Type.Union([Type.Literal('on'), Type.Literal('off')], {
    default: 'on',
    description: 'The upkeep of the ledger and of stored days in the background; off: run nightpost maintain',
  }),
  ...reconcileProperties,
  NODE_ENV: Type.Optional(
    Type.Union(OneOf('development', 'production', 'test'), {
      description: 'production: credentials and DATABASE_URL are required; absent: development',
    }),
  ),
})

const CredentialList = (description: string) =>
  Type.Array(Type.String({ minLength: 1 }), { default: [], description: `${description}; comma-separated` })

/** The settings that are lists of vendors' credentials. */
export const credentialNames = vendors.flatMap((vendor) => Object.keys(vendor.credentials))

/** Every environment variable that Nightpost reads, with the credentials of the vendors. */
export const ConfigSchema: TObject = Type.Composite([
  SettingsSchema,
  PullSettings,
  ...vendors.map((vendor) =>
    Type.Object(
      Object.fromEntries(
        Object.entries(vendor.credentials).map(([name, about]) => [name, CredentialList(about)]),
      ),
    ),
  ),
])

/** The value of every setting. */
export interface Config extends Static<typeof SettingsSchema> {
  /** The credentials of the setting with this name. */
  readonly credentials: (name: string) => readonly string[]
  /** The value of a setting that a vendor's pull declares; '' if it is absent. */
  readonly pullSetting: (name: string) => string
}

/** The settings that are secrets. Each may be read from a file that `<name>_FILE` names. */
export const secretNames = [
  ...credentialNames,
  ...Object.entries({ ...SettingsSchema.properties, ...PullSettings.properties }).flatMap(
    ([name, { secret }]) => (secret ? [name] : []),
  ),
]

/**
 * Settings are wrong. The message has one line for each: its name, what was found unless it is a secret, and what to write
 * in its place.
 */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

/** Environment variables. A list may be given as an array; its entries are then not split at commas. */
export type Environment = Readonly<Record<string, string | readonly string[] | undefined>>

/** Reads and checks the settings. An empty variable counts as absent. Throws `ConfigError`. */
export function readConfig(environment: Environment): Config {
  const given = Object.fromEntries(
    Object.keys(ConfigSchema.properties).flatMap((name) => {
      const value = environment[name]
      if (typeof value === 'object') return [[name, [...value]]]
      const text = value?.trim()
      return text ? [[name, credentialNames.includes(name) ? commaSeparated(text) : text]] : []
    }),
  )
  const values = Value.Convert(ConfigSchema, Value.Default(ConfigSchema, { ...given })) as Record<
    string,
    unknown
  >
  const wrong = new Set([...Value.Errors(ConfigSchema, values)].map(({ path }) => path.split('/')[1] ?? ''))
  for (const [name, value] of Object.entries(given)) {
    // TypeBox would truncate 3000.7 and 3e3 to an integer.
    if (isInteger(name) && !/^-?\d+$/.test(String(value))) wrong.add(name)
    if (name.endsWith('DATABASE_URL') && !isReadableUrl(String(value))) wrong.add(name)
  }
  if (wrong.size > 0) {
    const lines = [...wrong].map((name) => wrongValue(name, ConfigSchema.properties[name], given[name]))
    throw new ConfigError(lines.join('\n'))
  }
  return {
    ...(values as Static<typeof SettingsSchema>),
    credentials: (name) => (values[name] as string[] | undefined) ?? [],
    pullSetting: (name) => (typeof values[name] === 'string' ? values[name] : ''),
  }
}

export function hasCredentials(config: Config): boolean {
  return credentialNames.some((name) => config.credentials(name).length > 0)
}

const isInteger = (name: string) => ConfigSchema.properties[name]?.type === 'integer'

function commaSeparated(text: string): string[] {
  return text
    .split(/[,\n]/)
    .map((part) => part.trim())
    .filter((part) => part !== '')
}
