import pg from 'pg'
import type { Pooling } from './pooling.ts'
import {
  beginStatement,
  IN_FORCE,
  type InForce,
  notInForce,
  type SessionSettings,
  SNAPSHOT,
  settingsFor,
} from './settings.ts'

/** The connection does not have the settings that it was given. */
export class SettingsLost extends Error {
  override readonly name = 'SettingsLost'

  constructor(names: readonly string[]) {
    super(
      `The connection does not keep its settings (${names.join(', ')}). If a pooler is in between, it must be in ` +
        'session or transaction mode.',
    )
  }
}

/**
 * A connection whose settings apply to every statement. If a pooler keeps no settings for a session, each transaction
 * begins with them, and a statement outside a transaction gets a transaction of its own.
 */
export class Connection extends pg.Client {
  /** True if the pooling mode was not known when the connection was configured. The pool closes it after one use. */
  isProvisional = false
  /** The statement that begins a transaction with the settings; null if the session keeps them. */
  private beginWithSettings: string | null = null
  private keepsStatements = true
  private settings: SessionSettings | undefined

  /** Applies the settings and reads them back. Throws `SettingsLost` if they do not apply. */
  async configure(pooling: Pooling, settings: SessionSettings): Promise<void> {
    this.settings = settings
    if (pooling.mode === 'session') {
      await super.query(settingsFor(settings, 'session'))
    } else {
      this.beginWithSettings = beginStatement(settings)
      this.keepsStatements = pooling.keepsStatements
      this.query = this.queryWithSettings
    }
    const { rows } = await this.query(`select ${IN_FORCE}`)
    const lost = this.lost(rows[0])
    if (lost.length > 0) throw new SettingsLost(lost)
  }

  /** Returns the statement that begins a transaction. */
  beginStatement(isSnapshot = false): string {
    if (this.beginWithSettings === null) return isSnapshot ? `begin ${SNAPSHOT}` : 'begin'
    return isSnapshot && this.settings ? beginStatement(this.settings, SNAPSHOT) : this.beginWithSettings
  }

  /** Returns the names of the settings that have other values in `found` than they were given. */
  lost(found: InForce): string[] {
    return this.settings ? notInForce(this.settings, found) : []
  }

  /** Milliseconds that a statement waits for a lock; 0 is no limit. */
  get lockTimeout(): number {
    return this.settings?.lockTimeout ?? 0
  }

  /** In place of `query` if a pooler keeps no settings: a statement outside a transaction gets a transaction of its own. */
  // biome-ignore lint/suspicious/noExplicitAny: it has the signatures of all of pg's overloads
  private queryWithSettings(...given: any[]): any {
    // biome-ignore lint/suspicious/noExplicitAny: see above
    const send = (...all: any[]): any => super.query.apply(this, all as Parameters<pg.Client['query']>)
    const [what, ...rest] = given
    if (typeof what?.submit === 'function') return send(...given)
    const { name, ...unnamed } = typeof what === 'string' ? { text: what } : what
    const query = this.keepsStatements && name !== undefined ? { name, ...unnamed } : unnamed
    if (this.getTransactionStatus() !== 'I' || BOUNDARY.test(query.text)) return send(query, ...rest)

    const callback = typeof rest.at(-1) === 'function' ? rest.pop() : undefined
    const result = this.inOwnTransaction(query, rest[0])
    if (!callback) return result
    result.then(
      (found) => callback(null, found),
      (error) => callback(error),
    )
  }

  /** Executes one statement in a transaction of its own. */
  private async inOwnTransaction(query: pg.QueryConfig, values?: unknown[]): Promise<pg.QueryResult> {
    await super.query(this.beginStatement())
    try {
      const result = await super.query(query, values)
      await super.query('commit')
      return result
    } catch (error) {
      await super.query('rollback').catch(() => {})
      throw error
    }
  }
}

/** Statements that begin or end a transaction. */
const BOUNDARY = /^\s*(begin|commit|rollback)\b/i
