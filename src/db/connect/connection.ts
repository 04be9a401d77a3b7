import pg from 'pg'
import type { Pooling } from './pooling.ts'
import {
  IN_FORCE,
  type InForce,
  notInForce,
  openingOf,
  type Purpose,
  SNAPSHOT,
  settingsFor,
} from './settings.ts'

/** The connection has other settings than it was given. */
export class SettingsLost extends Error {
  override readonly name = 'SettingsLost'

  constructor(names: readonly string[]) {
    super(
      `The connection does not keep what was set on it (${names.join(', ')}): a pooler in between must be in ` +
        'session or transaction mode.',
    )
  }
}

/**
 * A connection whose settings hold for every statement. Where a pooler keeps none for a session, each
 * transaction begins with them, and a statement outside of one is given its own.
 */
export class Connection extends pg.Client {
  /** How a transaction begins, where it has to bring the settings. */
  private perTransaction: string | null = null
  private keepsStatements = true
  private purpose: Purpose | undefined

  /** Sets what the purpose asks for, and reads back that it holds. Throws `SettingsLost`. */
  async settle(pooling: Pooling, purpose: Purpose): Promise<void> {
    this.purpose = purpose
    if (pooling.mode === 'session') {
      await super.query(settingsFor(purpose, 'session'))
    } else {
      this.perTransaction = openingOf(purpose)
      this.keepsStatements = pooling.keepsStatements
    }
    const { rows } = await this.query(`select ${IN_FORCE}`)
    const lost = this.lost(rows[0])
    if (lost.length > 0) throw new SettingsLost(lost)
  }

  /** The statement by which a transaction begins. */
  opening(isSnapshot = false): string {
    if (this.perTransaction === null) return isSnapshot ? `begin ${SNAPSHOT}` : 'begin'
    return isSnapshot && this.purpose ? openingOf(this.purpose, SNAPSHOT) : this.perTransaction
  }

  /** Those of the settings that `found` says are others than they were set to. */
  lost(found: InForce): string[] {
    return this.purpose ? notInForce(this.purpose, found) : []
  }

  // biome-ignore lint/suspicious/noExplicitAny: it takes and returns what each of the overloads of pg does
  override query(...given: any[]): any {
    // biome-ignore lint/suspicious/noExplicitAny: see above
    const send = (...all: any[]): any => super.query.apply(this, all as Parameters<pg.Client['query']>)
    const [what, ...rest] = given
    if (this.perTransaction === null || typeof what?.submit === 'function') return send(...given)
    const { name, ...unnamed } = typeof what === 'string' ? { text: what } : what
    const query = this.keepsStatements && name !== undefined ? { name, ...unnamed } : unnamed
    if (this.getTransactionStatus() !== 'I' || BOUNDARY.test(query.text)) return send(query, ...rest)

    const callback = typeof rest.at(-1) === 'function' ? rest.pop() : undefined
    const result = this.apart(query, rest[0])
    if (!callback) return result
    result.then(
      (found) => callback(null, found),
      (error) => callback(error),
    )
  }

  /** One statement as a transaction of its own. */
  private async apart(query: pg.QueryConfig, values?: unknown[]): Promise<pg.QueryResult> {
    await super.query(this.opening())
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

/** What begins or ends a transaction stands for itself. */
const BOUNDARY = /^\s*(begin|commit|rollback)\b/i
