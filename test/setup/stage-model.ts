/** A model of the views on sleep stages: computes them in another way, epoch by epoch, from the rows of the tables. */

export interface Night {
  readonly user_id: string
  readonly session_id: string
  /** Absent until SESSION_COMPLETE is stored. */
  readonly session?: { state: string | null; start_time: string | null }
  /** By series, the stages of SESSION_COMPLETE. */
  readonly final: Readonly<Record<string, number[]>>
  /** The stages of each INFERENCE_COMPLETE; `k` is `inference_seq_num`. */
  readonly windows: ReadonlyArray<{ series: string; k: number; stages: number[] }>
}

const NAMES: Record<string, Record<number, string>> = {
  sleep: { [-1]: 'no_data', 0: 'wake', 1: 'light', 2: 'deep', 3: 'rem' },
  snoring: { [-1]: 'no_data', 0: 'no_snoring', 1: 'snoring' },
}

/** The columns of a row as text. */
export type Cells = Array<string | null>

/** The expected rows of sleep_epochs: series, epoch_index, starts_at, stage, stage_name, provisional. */
export function epochsOf(night: Night): Cells[] {
  return everySeries(night).flatMap(({ series, epochs, provisional }) =>
    [...epochs].map(([index, stage]) => [
      series,
      `${index}`,
      startOf(night, index),
      `${stage}`,
      NAMES[series]?.[stage] ?? null,
      provisional ? 't' : 'f',
    ]),
  )
}

/** The expected rows of sleep_stage_intervals: series, first_epoch, epochs, starts_at, ends_at, duration_seconds, stage, provisional. */
export function intervalsOf(night: Night): Cells[] {
  return everySeries(night).flatMap(({ series, epochs, provisional }) => {
    const runs: Array<{ first: number; last: number; stage: number }> = []
    for (const [index, stage] of epochs) {
      const run = runs.at(-1)
      if (run && run.stage === stage && run.last === index - 1) run.last = index
      else runs.push({ first: index, last: index, stage })
    }
    return runs.map(({ first, last, stage }) => [
      series,
      `${first}`,
      `${last - first + 1}`,
      startOf(night, first),
      startOf(night, last + 1),
      `${(last - first + 1) * 30}`,
      `${stage}`,
      provisional ? 't' : 'f',
    ])
  })
}

/** For each series the stages by epoch: those of SESSION_COMPLETE, otherwise those of the windows. */
function everySeries(night: Night) {
  return ['breath', 'sleep', 'snoring'].map((series) => {
    const final = night.final[series]
    if (final) return { series, provisional: false, epochs: new Map(final.entries()) }
    const epochs = new Map<number, number>()
    if (night.session?.state !== 'COMPLETE') {
      const windows = night.windows.filter((window) => window.series === series)
      for (const { k, stages } of windows.sort((a, b) => a.k - b.k)) {
        stages.forEach((stage, at) => {
          const index = 10 * (k + 1) - stages.length + at
          if (index >= 0) epochs.set(index, stage)
        })
      }
    }
    return { series, provisional: true, epochs: new Map([...epochs].sort(([a], [b]) => a - b)) }
  })
}

/** The start of an epoch as Postgres writes it, or null if the start of the session is unknown. */
function startOf({ session }: Night, epoch: number): string | null {
  if (!session?.start_time) return null
  const instant = new Date(Date.parse(session.start_time) + epoch * 30_000).toISOString()
  return `${instant.slice(0, 19).replace('T', ' ')}+00`
}
