import type pg from 'pg'
import { sqlState } from '../commit/failure.ts'
import { type LockRetryPolicy, type Progress, retryOnLock } from './lock-retry.ts'
import { INSUFFICIENT_PRIVILEGE } from './migration-error.ts'

/** Whether a new epoch is due, and whether this role may begin it. */
const STATE = `select f.server <> change_feed_server() as moved, pg_has_role(c.relowner, 'usage') as owned
  from change_feed as f cross join pg_class as c where f.id = 1 and c.oid = to_regclass('deliveries')`

/** Half of the highest position that the feed has: a transaction id with the offset of its epoch. */
const HIGHEST = `(coalesce(greatest(
  (select change_position from deliveries
    where change_position is not null and (outcome = 'stored' or change_position % 2 = 1)
    order by change_position desc limit 1),
  (select max(change_position) from erasures)), 0) / 2)`

/**
 * Begins a new epoch of the change feed if the database was restored from a dump on another server, or is a copy of another
 * one: transaction ids mean something else there. New positions get an offset that makes them higher than all earlier ones.
 * It locks the ledger for the change of a default. A role that does not own the ledger leaves that to `nightpost migrate`.
 */
export async function renewFeedEpoch(
  client: pg.ClientBase,
  lockRetry: LockRetryPolicy,
  log: Progress | undefined,
): Promise<void> {
  const { moved, owned } = await stateOf(client)
  if (!moved) return
  if (!owned) {
    log?.info('the change feed can not be read until the owner of the tables has run nightpost migrate')
    return
  }
  await retryOnLock(client, 'The new epoch of the change feed', lockRetry, log, async (query) => {
    await query('lock table deliveries in access exclusive mode')
    if (!(await query(STATE)).rows[0].moved) return
    const before = (await query('select xid_offset from change_feed where id = 1')).rows[0].xid_offset
    // Citus would let each node evaluate the functions, or refuse the statement. This one is for the coordinator.
    const { rows } = await query(
      `select left(replace(gen_random_uuid()::text, '-', ''), 12) as epoch, change_feed_server() as server,
         greatest(0, ${HIGHEST} + 1 - pg_current_xact_id()::text::bigint) as xid_offset`,
    )
    const { epoch, server, xid_offset: after } = rows[0]
    await query('update change_feed set epoch = $1, server = $2, xid_offset = $3 where id = 1', [
      epoch,
      server,
      after,
    ])
    if (after !== before)
      await query(
        `alter table deliveries alter column change_position set default (2 * (pg_current_xact_id()::text::bigint + ${after}))`,
      )
  })
  log?.info(
    'the change feed begins a new epoch, because the database was restored from a dump, moved or copied',
  )
}

/** A role that may not read the state is not the owner. */
async function stateOf(client: pg.ClientBase): Promise<{ moved: boolean; owned: boolean }> {
  try {
    return (await client.query(STATE)).rows[0] ?? { moved: false, owned: false }
  } catch (error) {
    if (sqlState(error) !== INSUFFICIENT_PRIVILEGE) throw error
    return { moved: false, owned: false }
  }
}
