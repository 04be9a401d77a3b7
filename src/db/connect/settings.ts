/** What a connection is for, as far as its settings depend on it. Times in milliseconds; 0: without a limit. */
export interface Purpose {
  readonly schema: string
  readonly statementTimeout: number
  readonly lockTimeout: number
  readonly idleInTransactionTimeout: number
  /** `write`: the statements of the write path, their plans and the durability of their commits. */
  readonly use: 'write' | 'read' | 'migrate'
}

/** `"schema", pg_temp`: nobody's own schema and no temporary table of another client can stand before the tables. */
export const searchPath = (schema: string) => `"${schema.replaceAll('"', '""')}", pg_temp`

/** What decides how a value is read and written, whatever default the database or the role was given. */
const MEANING: Record<string, string> = {
  timezone: 'UTC',
  datestyle: 'ISO, MDY',
  intervalstyle: 'postgres',
  bytea_output: 'hex',
  extra_float_digits: '1',
  standard_conforming_strings: 'on',
  array_nulls: 'on',
  transform_null_equals: 'off',
  xmloption: 'content',
  row_security: 'on',
  client_min_messages: 'warning',
}

/**
 * Every statement of the write path finds its rows by primary key, however full the tables are: no plan
 * depends on what a group holds, so it is made once. Switching sequential scans off makes short questions look
 * dear to the planner, which would compile them.
 */
const PLANS: Record<string, string> = {
  plan_cache_mode: 'force_generic_plan',
  enable_seqscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
  enable_nestloop: 'on',
  enable_indexscan: 'on',
  jit: 'off',
}

/** An ack promises durability; a database that waits for more than the local disk is not made to wait for less. */
const DURABLE = `case current_setting('synchronous_commit') when 'remote_apply' then 'remote_apply' else 'on' end`

const ISOLATION = 'read committed'

/** How a transaction begins that brings its settings. */
export function openingOf(purpose: Purpose, mode = modeOf(purpose)): string {
  return `begin ${mode}; ${settingsFor(purpose, 'transaction')}`
}

const modeOf = ({ use }: Purpose) => `isolation level ${ISOLATION}${use === 'read' ? ' read only' : ''}`

/** The mode of a transaction whose queries all see one moment, and that writes nothing. */
export const SNAPSHOT = 'isolation level repeatable read read only'

const literal = (value: string) => `'${value.replaceAll("'", "''")}'`

/**
 * The settings as one message without parameters: for the session, or for the transaction that it stands in.
 * The time limit comes first, and as a statement of its own, so that a short default can't end the others.
 */
export function settingsFor(purpose: Purpose, scope: 'session' | 'transaction'): string {
  const isLocal = scope === 'transaction'
  const writes = purpose.use === 'write'
  const set = (name: string, value: string) => `set_config('${name}', ${value}, ${isLocal})`
  const values: Record<string, string> = {
    lock_timeout: `${purpose.lockTimeout}`,
    idle_in_transaction_session_timeout: `${purpose.idleInTransactionTimeout}`,
    search_path: searchPath(purpose.schema),
    ...MEANING,
    ...(writes ? PLANS : {}),
    ...(isLocal ? {} : { idle_session_timeout: '0', default_transaction_isolation: ISOLATION }),
    ...(!isLocal && purpose.use === 'read' ? { default_transaction_read_only: 'on' } : {}),
  }
  const all = Object.entries(values).map(([name, value]) => set(name, literal(value)))
  // Postgres 17 and newer know it.
  all.push(
    `case when current_setting('transaction_timeout', true) is not null then ${set('transaction_timeout', "'0'")} end`,
  )
  if (writes) {
    all.push(set('synchronous_commit', DURABLE))
    // What Postgres logs of a failed statement quotes values of the row: Nightpost logs the SQLSTATE instead,
    // where its role may say so.
    all.push(
      `case when has_parameter_privilege('log_min_messages', 'SET') then ${set('log_min_messages', "'log'")} end`,
    )
  }
  return `set ${isLocal ? 'local ' : ''}statement_timeout = ${purpose.statementTimeout}; select ${all.join(', ')}`
}

/** What a promise rests on, as the connection has it at this moment. */
const MATTERS = [
  'statement_timeout',
  'lock_timeout',
  'search_path',
  'transaction_isolation',
  'synchronous_commit',
] as const

export type InForce = Readonly<Record<(typeof MATTERS)[number], string>>

/** The expressions of a `select` that reads it; a row of it is an `InForce`. */
export const IN_FORCE = MATTERS.map((name) => `${inMilliseconds(name)} as ${name}`).join(', ')

/** `15s` and `15000ms` are one limit. */
function inMilliseconds(name: string): string {
  const setting = `current_setting('${name}')`
  if (!name.endsWith('_timeout')) return setting
  return `(extract(epoch from ${setting}::interval) * 1000)::bigint::text`
}

/** The names of those that are not as they were set; none where all is well. */
export function notInForce(purpose: Purpose, found: InForce): string[] {
  const wanted: Partial<InForce> = {
    statement_timeout: `${purpose.statementTimeout}`,
    lock_timeout: `${purpose.lockTimeout}`,
    search_path: searchPath(purpose.schema),
    transaction_isolation: ISOLATION,
  }
  const wrong = MATTERS.filter((name) => name in wanted && wanted[name] !== found[name])
  const isDurable = purpose.use !== 'write' || ['on', 'remote_apply'].includes(found.synchronous_commit)
  return isDurable ? wrong : [...wrong, 'synchronous_commit']
}
