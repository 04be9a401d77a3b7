import { type Problem, problem } from '../contract/problem.ts'
import type { Delivery } from './delivery.ts'

/**
 * Rejects a delivery whose body fits its event but whose rows Postgres refused. The ledger stores it, so that it can be
 * replayed. `sqlState` is the error code of Postgres; undefined if the row failed before it reached Postgres.
 */
export function rejectRefusedRows(delivery: Delivery, sqlState: string | undefined): Delivery {
  const detail = `The body fits its event, but the database refused its rows (${sqlState ?? 'unwritable'}).`
  return rejected(delivery, problem('invalid_body', detail))
}

/** Rejects a delivery on which Nightpost's own code failed. The ledger stores it, so that it can be replayed. */
export function rejectAfterFault(delivery: Delivery): Delivery {
  return rejected(delivery, problem('internal', 'This is a fault of Nightpost. See its log.'))
}

function rejected(delivery: Delivery, problem: Problem): Delivery {
  return { ...delivery, verdict: { ...delivery.verdict, outcome: 'rejected', problem, rows: [] } }
}
