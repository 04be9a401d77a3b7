import { replay } from '../../replay/replay.ts'
import type { ConsoleContext } from '../context.ts'

/** What a replay of one delivery did, or would do. */
export interface Replayed {
  readonly isDryRun: boolean
  /** `rejected → stored`; null if nothing was judged, because the body or the vendor is gone. */
  readonly transition: string | null
  /** The code of the problem that is left. */
  readonly problem: string | null
}

/** Judges one delivery again, as `nightpost replay --delivery` does, over connections of its own. */
export async function replayOne(
  { database, config, log, vendors }: ConsoleContext,
  id: string,
  isDryRun: boolean,
): Promise<Replayed> {
  const report = await replay({
    databaseUrl: database.url,
    vendors,
    config,
    log,
    filter: { deliveries: [id] },
    all: false,
    dryRun: isDryRun,
    signal: new AbortController().signal,
    progress: () => {},
  })
  const [transition = null] = report.transitions.keys()
  const [problem = null] = report.problems.keys()
  return { isDryRun, transition, problem }
}
