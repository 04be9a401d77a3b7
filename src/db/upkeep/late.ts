import type pg from 'pg'
import { idAtTime, timeOfId } from '../uuid-time.ts'

/** The task in `upkeep_tasks` that says up to which delivery the upkeep has looked for ids of erased persons (`deleteErased`). */
export const FENCE_TASK = 'fence'

/**
 * Has the upkeep look again from the earliest of these deliveries on. They were committed long after they arrived, so that it may
 * have passed their ids.
 */
export async function lookAgainFrom(
  client: Pick<pg.ClientBase, 'query'>,
  deliveryIds: readonly string[],
): Promise<void> {
  const [earliest] = [...deliveryIds].sort()
  if (earliest === undefined) return
  await client.query('update upkeep_tasks set position = $1 where task = $2 and position > $1', [
    idAtTime(timeOfId(earliest) - 1),
    FENCE_TASK,
  ])
}
