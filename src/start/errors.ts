import { type Config, ConfigError } from '../config/index.ts'
import { sqlState } from '../db/commit/failure.ts'
import { SettingsLost } from '../db/connect/connection.ts'
import { StatementPooling } from '../db/connect/pooling.ts'
import { MigrationError, missingGrant } from '../db/migrate/migration-error.ts'
import { type Address, configuredAddresses } from './address.ts'

type SystemError = Error & {
  code?: string
  port?: number
  hostname?: string
  path?: string
  syscall?: string
}

/** The setting that an error is about, and where it leads. */
interface Place extends Address {
  readonly setting: string
}

/** What is wrong, and what to do next. `said` are the words of Postgres or of Node. */
type Explain = (place: Place, said: string) => string

const unreachable: Explain = ({ host, port }, said) =>
  `${host}:${port} does not answer (${said}). Check the host, the port, and the firewalls between.`
const unknownHost: Explain = ({ host }, said) =>
  `there is no host ${host} (${said}). Correct the name; between containers it is the name of the service.`
const untrusted: Explain = ({ host }, said) =>
  `the certificate of ${host} is not trusted (${said}). Append ?sslrootcert=FILE with the authority's certificate.`

const BY_CODE: Readonly<Record<string, Explain>> = {
  ECONNREFUSED: ({ host, port }, said) =>
    `nothing listens on ${host}:${port} (${said}). Start Postgres there, or correct the host and the port.`,
  ENOTFOUND: unknownHost,
  EAI_AGAIN: unknownHost,
  ETIMEDOUT: unreachable,
  EHOSTUNREACH: unreachable,
  ENETUNREACH: unreachable,
  ECONNRESET: unreachable,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  ERR_TLS_CERT_ALTNAME_INVALID: untrusted,
  CERT_HAS_EXPIRED: untrusted,
  '28P01': (_, said) => `${said}. Correct the password in the URL, percent-encoded, or in PGPASSWORD.`,
  '28000': (_, said) =>
    `${said}. Correct the user name, or the server's pg_hba.conf; if the server requires TLS, append ?sslmode=require`,
  '3D000': ({ database, user }, said) =>
    `${said}. Correct the name, or run as an administrator: create database "${database}" owner "${user}";`,
  '53300': (_, said) =>
    `${said}. Each replica uses up to 6 connections, or 4 for each of its WORKERS and 5 more: raise max_connections, or use a pooler.`,
  '57P03': (_, said) => `${said}. Start Nightpost again when the server is up.`,
  '42501': ({ user, database }, said) => {
    // Without CONNECT the name is in quotes; the other rights of a database concern what is in it.
    const grant = /database "/.test(said)
      ? `its owner may run: grant connect on database "${database}" to "${user}";`
      : missingGrant(said.replace(/ \(SQLSTATE.*/, ''), `"${user}"`)
    return `${said}. Hint: ${grant ?? `grant the right to the role "${user}".`}`
  },
}

/** Errors that have no code. */
const BY_WORDS: ReadonlyArray<[words: RegExp, explain: Explain]> = [
  [
    /client password must be a (non-empty )?string/,
    () => 'Postgres asks for a password, and none is set. Write it into the URL, or set PGPASSWORD.',
  ],
  [/timeout expired|due to connection timeout/, (place) => unreachable(place, 'no connection in time')],
  [/^Nightpost needs (Postgres|a UTF8)/, (_, said) => said],
  [
    /does not support SSL/,
    ({ host, port }) =>
      `${host}:${port} does not offer TLS. Use a server that does, or remove sslmode from the URL.`,
  ],
]

/**
 * What is printed about a failed start: the setting, what was found, and the next step, without a secret or a stack. One
 * line; for wrong settings a line for each.
 */
export function startError(error: unknown, config: Config | undefined): string {
  if (error instanceof ConfigError) return error.message
  // If a name has several addresses, Node collects an error for each, without a message.
  const [first = error] = error instanceof AggregateError ? error.errors : []
  const failure = first as SystemError
  const state = sqlState(first)
  const text = oneLine(failure.message || failure.code || String(error))
  if (failure.path && NOT_WRITABLE.includes(failure.code ?? '')) return notWritable(failure)
  if (first instanceof MigrationError) return `${placeOf(failure, config).setting}: ${text}`
  const explain = BY_CODE[failure.code ?? ''] ?? BY_WORDS.find(([words]) => words.test(text))?.[1]
  if (!explain) return state || isOfConnection(first) ? `${placeOf(failure, config).setting}: ${text}` : text
  const place = placeOf(failure, config)
  return `${place.setting}: ${explain(place, state ? `${text} (SQLSTATE ${state})` : (failure.code ?? text))}`
}

const NOT_WRITABLE = ['EACCES', 'EPERM', 'EROFS', 'ENOSPC']

const notWritable = ({ code, path }: SystemError) =>
  `${path}: uid ${process.geteuid?.()} can't write it (${code}). Nightpost keeps generated credentials and the embedded database in .data/ of its working directory: make that writable, or set DATABASE_URL and a credential.`

const EMBEDDED: Place = {
  ...{ setting: 'The embedded Postgres', host: '127.0.0.1', port: 0 },
  ...{ database: 'nightpost', user: 'nightpost' },
}

/** The setting whose database the error is about; both, if it may be about either. */
function placeOf(error: SystemError, config: Config | undefined): Place {
  const places: Place[] = configuredAddresses(config)
  const fits = places.filter(
    ({ host, port, user, database }) =>
      (error.hostname ?? host) === host &&
      (error.port ?? port) === port &&
      named('user', error.message, user) &&
      named('database', error.message, database),
  )
  const [first = EMBEDDED, ...others] = fits.length > 0 ? fits : places
  return { ...first, setting: [first, ...others].map(({ setting }) => setting).join(' or ') }
}

/** False if the message names another user or database. */
const named = (kind: string, message: string, name: string) =>
  !message.includes(`${kind} "`) || message.includes(`${kind} "${name}"`)

const isOfConnection = (error: unknown) => error instanceof SettingsLost || error instanceof StatementPooling

/** The same of a failed `listen`. The settings of the console's listener begin with `prefix`. */
export function listenError(
  error: unknown,
  { HOST, PORT }: Pick<Config, 'HOST' | 'PORT'>,
  prefix: '' | 'CONSOLE_' = '',
): string {
  const { code, message } = error as SystemError
  const [host, port] = [`${prefix}HOST`, `${prefix}PORT`]
  switch (code) {
    case 'EADDRINUSE':
      return `${port}: ${PORT} is in use on ${HOST} (${code}). Stop the other program, or set ${port} to a free port; 0 takes any.`
    case 'EACCES':
      return `${port}: ${PORT} needs a privilege that this process lacks (${code}). Set ${port} to 1024 or more, and let a proxy listen on ${PORT}.`
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
      return `${host}: this machine has no address ${HOST} (${code}). Set ${host} to 127.0.0.1, to 0.0.0.0 for every interface, or to one that "ip address" lists.`
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `${host}: "${HOST}" is no address and no known name (${code}). Set ${host} to 127.0.0.1, or to 0.0.0.0 for every interface.`
    default:
      return `${host}, ${port}: ${oneLine(message)}`
  }
}

const oneLine = (text: string) => text.trim().replace(/\s*\n\s*/g, ' ')
