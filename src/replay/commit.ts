import type { Vendor } from '../contract/vendor.ts'
import { type Delivery, type Store, Unavailable } from '../ingest/delivery.ts'

/** The receipt, or `unavailable` if the database did not commit the delivery. */
export async function commitOrUnavailable(store: Store, delivery: Delivery) {
  try {
    return await store.commit(delivery)
  } catch (error) {
    if (error instanceof Unavailable) return 'unavailable' as const
    throw error
  }
}

export const targetsOf = (vendors: readonly Vendor[]) => vendors.flatMap(({ targets }) => targets)
