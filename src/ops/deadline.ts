import { type Receipt, type Store, Unavailable } from '../ingest/delivery.ts'

interface Pending {
  readonly until: number
  isDone: boolean
  reject(error: Error): void
}

const SWEEP_MS = 1000

/**
 * The same store; what it doesn't commit in time is answered as unavailable, though it may still be committed.
 * The vendor gives up by then, and its next attempt finds out. One timer looks after all: one for each
 * delivery, as Fastify's `handlerTimeout` has it, costs a fifth of all that is done for a delivery.
 */
export function withDeadline(store: Store, ms: number): Store {
  let pending: Pending[] = []
  let sweeping: NodeJS.Timeout | undefined

  const sweep = () => {
    const now = performance.now()
    for (const one of pending) {
      if (!one.isDone && one.until <= now) one.reject(new Unavailable('The commit took too long.'))
    }
    pending = pending.filter(({ isDone, until }) => !isDone && until > now)
    if (pending.length > 0) return
    clearInterval(sweeping)
    sweeping = undefined
  }

  return {
    commit: (delivery) =>
      new Promise<Receipt>((resolve, reject) => {
        const one = { until: performance.now() + ms, isDone: false, reject }
        pending.push(one)
        sweeping ??= setInterval(sweep, SWEEP_MS).unref()
        store.commit(delivery).then(
          (receipt) => {
            one.isDone = true
            resolve(receipt)
          },
          (error) => {
            one.isDone = true
            reject(error)
          },
        )
      }),
  }
}
