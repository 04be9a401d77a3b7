/** What the settings of a connection depend on. Times are in milliseconds; 0 is no limit. */
export interface SessionSettings {
  readonly schema: string
  readonly statementTimeout: number
  readonly lockTimeout: number
  readonly idleInTransactionTimeout: number
  /** `write` also sets the planner, `write` and `migrate` set durable commits. `read` is read-only. */
  readonly use: 'write' | 'read' | 'migrate'
}

/** Returns `"schema", pg_temp`: without `pg_temp` at the end, a temporary table of a shared session would hide a table. */
export const searchPath = (schema: string) => `"${schema.replaceAll('"', '""')}", pg_temp`

/** Settings that change how values are read and written. The database or the role may have other defaults. */
const VALUE_FORMATS: Record<string, string> = {
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
 * Every statement of the write path finds its rows by primary key, whatever the size of the tables and of the group, so one
 * generic plan is enough. JIT is off because disabled sequential scans raise the estimated cost of short queries above the
 * limit for JIT.
 */
const PLANNER: Record<string, string> = {
  enable_seqscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
  enable_nestloop: 'on',
  enable_indexscan: 'on',
  jit: 'off',
}

/**
 * Citus can plan a statement only if it knows the values, so that it finds the shard. The parameter exists where its library is
 * loaded, so elsewhere nothing is looked up.
 */
const PLAN_CACHE_MODE = `case when current_setting('citus.shard_count', true) is not null
  and exists (select from pg_catalog.pg_extension where extname = 'citus') then 'auto' else 'force_generic_plan' end`

/** A 200 promises durability, and so does the certificate of an erasure. `remote_apply` waits for more than `on`, so it is kept if the database has it. */
const DURABLE = `case current_setting('synchronous_commit') when 'remote_apply' then 'remote_apply' else 'on' end`

const ISOLATION = 'read committed'

/** Returns the message that begins a transaction with its settings. */
export function beginStatement(settings: SessionSettings, mode = modeOf(settings)): string {
  return `begin ${mode}; ${settingsFor(settings, 'transaction')}`
}

const modeOf = ({ use }: SessionSettings) =>
  `isolation level ${ISOLATION}${use === 'read' ? ' read only' : ''}`

/** The mode of a read-only transaction whose queries all see one snapshot. */
export const SNAPSHOT = 'isolation level repeatable read read only'

const literal = (value: string) => `'${value.replaceAll("'", "''")}'`

/**
 * Returns the settings as one message without parameters, for the session or for the current transaction. The statement
 * timeout is set first, by a statement of its own, so that a short default can not cancel the rest.
 */
export function settingsFor(settings: SessionSettings, scope: 'session' | 'transaction'): string {
  const isLocal = scope === 'transaction'
  const writes = settings.use === 'write'
  const set = (name: string, value: string) => `set_config('${name}', ${value}, ${isLocal})`
  const values: Record<string, string> = {
    lock_timeout: `${settings.lockTimeout}`,
    idle_in_transaction_session_timeout: `${settings.idleInTransactionTimeout}`,
    search_path: searchPath(settings.schema),
    ...VALUE_FORMATS,
    ...(writes ? PLANNER : {}),
    ...(isLocal ? {} : { idle_session_timeout: '0', default_transaction_isolation: ISOLATION }),
    ...(!isLocal && settings.use === 'read' ? { default_transaction_read_only: 'on' } : {}),
  }
  const all = Object.entries(values).map(([name, value]) => set(name, literal(value)))
  // Since Postgres 17.
  all.push(
    `case when current_setting('transaction_timeout', true) is not null then ${set('transaction_timeout', "'0'")} end`,
  )
  if (settings.use !== 'read') all.push(set('synchronous_commit', DURABLE))
  if (writes) {
    all.push(set('plan_cache_mode', PLAN_CACHE_MODE))
    // Postgres' log of a failed statement quotes values of the row. Nightpost logs the SQLSTATE instead. Only a role with
    // the privilege may change this.
    all.push(
      `case when has_parameter_privilege('log_min_messages', 'SET') then ${set('log_min_messages', "'log'")} end`,
    )
  }
  return `set ${isLocal ? 'local ' : ''}statement_timeout = ${settings.statementTimeout}; select ${all.join(', ')}`
}

/** Settings that correctness depends on: they are read back. */
const CHECKED = [
  'statement_timeout',
  'lock_timeout',
  'search_path',
  'transaction_isolation',
  'synchronous_commit',
] as const

export type InForce = Readonly<Record<(typeof CHECKED)[number], string>>

/** The select list that reads the checked settings. Its row is an `InForce`. */
export const IN_FORCE = CHECKED.map((name) => `${inMilliseconds(name)} as ${name}`).join(', ')

/** `15s` and `15000ms` are the same limit. */
function inMilliseconds(name: string): string {
  const setting = `current_setting('${name}')`
  if (!name.endsWith('_timeout')) return setting
  return `(extract(epoch from ${setting}::interval) * 1000)::bigint::text`
}

/** Returns the names of the checked settings that have other values than they were given. */
export function notInForce(settings: SessionSettings, found: InForce): string[] {
  const wanted: Partial<InForce> = {
    statement_timeout: `${settings.statementTimeout}`,
    lock_timeout: `${settings.lockTimeout}`,
    search_path: searchPath(settings.schema),
    transaction_isolation: ISOLATION,
  }
  const wrong = CHECKED.filter((name) => name in wanted && wanted[name] !== found[name])
  const isDurable = settings.use === 'read' || ['on', 'remote_apply'].includes(found.synchronous_commit)
  return isDurable ? wrong : [...wrong, 'synchronous_commit']
}
