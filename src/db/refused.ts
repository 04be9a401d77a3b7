import type { Delivery } from '../ingest/delivery.ts'
import { type Problem, problem } from '../problem.ts'
import { sqlState } from './failure.ts'

/** The rows passed the schema, but Postgres refuses one of them: the body is kept for a replay. */
export function refused(delivery: Delivery, error: unknown): Delivery {
  const detail = `The body fits its event, but the database refused its rows (${sqlState(error) ?? 'unwritable'}).`
  return rejected(delivery, problem('invalid_body', detail))
}

/** Nightpost's own code failed on it: the body is kept for a replay, and its sender is not to blame. */
export function faulty(delivery: Delivery): Delivery {
  return rejected(delivery, problem('internal', 'This is a fault of Nightpost; its log says more.'))
}

function rejected(delivery: Delivery, problem: Problem): Delivery {
  return { ...delivery, verdict: { ...delivery.verdict, outcome: 'rejected', problem, rows: [] } }
}
