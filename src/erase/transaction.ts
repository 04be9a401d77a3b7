import type pg from 'pg'
import { beginWriting } from '../db/citus/nodes.ts'
import { failureOf } from '../db/commit/failure.ts'
import { commit } from '../db/connect/transaction.ts'

const ATTEMPTS = 10

/** Runs a short transaction. It is tried again if it was in conflict with another one. */
export async function transaction<T>(client: pg.ClientBase, run: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await beginWriting(client)
      const result = await run()
      await commit(client as never)
      return result
    } catch (error) {
      await client.query('rollback').catch(() => {})
      if (attempt === ATTEMPTS || failureOf(error) !== 'conflict') throw error
    }
  }
}
