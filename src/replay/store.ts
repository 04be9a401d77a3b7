import type { Vendor } from '../contract/vendor.ts'
import { type Delivery, type Store, Unavailable } from '../ingest/delivery.ts'

/** The receipt, or that the database did not take it. */
export async function committed(store: Store, delivery: Delivery) {
  try {
    return await store.commit(delivery)
  } catch (error) {
    if (error instanceof Unavailable) return 'unavailable' as const
    throw error
  }
}

export const targetsOf = (vendors: readonly Vendor[]) => vendors.flatMap(({ targets }) => targets)
