import { type Problem, problem } from '../contract/problem.ts'
import type { Delivery } from './delivery.ts'

/**
 * The same delivery, rejected because the database refused its rows although the body fits its event. It is kept, so
 * that it can be replayed. `sqlState` is the error that Postgres gave; undefined if there was none.
 */
export function rejectRefusedRows(delivery: Delivery, sqlState: string | undefined): Delivery {
  const detail = `The body fits its event, but the database refused its rows (${sqlState ?? 'unwritable'}).`
  return rejected(delivery, problem('invalid_body', detail))
}

/** The same delivery, rejected because Nightpost's own code failed on it. It is kept, so that it can be replayed. */
export function rejectAfterFault(delivery: Delivery): Delivery {
  return rejected(delivery, problem('internal', 'This is a fault of Nightpost; its log says more.'))
}

function rejected(delivery: Delivery, problem: Problem): Delivery {
  return { ...delivery, verdict: { ...delivery.verdict, outcome: 'rejected', problem, rows: [] } }
}
