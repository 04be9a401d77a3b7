import { createDay } from './day.ts'
import { archetypeDeliveries } from './sahha-archetypes.ts'
import { biomarkerDeliveries } from './sahha-biomarkers.ts'
import { dataLogDeliveries } from './sahha-data-logs.ts'
import { scoreDeliveries } from './sahha-scores.ts'
import type { SimulatedDelivery } from './simulated-delivery.ts'
import type { User } from './user.ts'

/**
 * What Sahha sends about a user's day. If the phone uploads late, all of it comes up to three days late. With
 * `hasDataLogs` false it is the same without data logs.
 */
export function sahhaDeliveries(user: User, date: string, hasDataLogs = true): SimulatedDelivery[] {
  const day = createDay(user, date)
  return [
    ...biomarkerDeliveries(user, day),
    ...scoreDeliveries(user, day),
    ...archetypeDeliveries(user, day),
    ...(hasDataLogs ? dataLogDeliveries(user, day) : []),
  ]
}
