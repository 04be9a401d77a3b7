import { setTimeout as timer } from 'node:timers/promises'

/** Milliseconds before an attempt, from 2: doubled each time, and anything between 0 and that (full jitter). */
export function pauseBefore(
  attempt: number,
  { first, longest }: { readonly first: number; readonly longest: number },
): number {
  return Math.random() * Math.min(longest, first * 2 ** (attempt - 2))
}

/** Resolves earlier if the signal is aborted. */
export async function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  await timer(milliseconds, undefined, { signal }).catch(() => {})
}
