import type { StageRun } from './hypnogram.ts'

/** For each column, a run of the stage that covers most of it; undefined if that covers no more than `minimumShare`. */
export function resample(
  runs: StageRun[],
  length: number,
  columns: number,
  minimumShare = 0,
): Array<StageRun | undefined> {
  const epochsPerColumn = length / columns
  const covered = Array.from({ length: columns }, () => new Map<string, { run: StageRun; epochs: number }>())
  for (const run of runs) {
    const last = Math.min(columns - 1, Math.ceil((run.firstEpoch + run.epochs) / epochsPerColumn) - 1)
    for (
      let column = Math.max(0, Math.floor(run.firstEpoch / epochsPerColumn));
      column <= last;
      column += 1
    ) {
      const epochs =
        Math.min(run.firstEpoch + run.epochs, (column + 1) * epochsPerColumn) -
        Math.max(run.firstEpoch, column * epochsPerColumn)
      const epochsBefore = covered[column]?.get(run.stage)?.epochs ?? 0
      covered[column]?.set(run.stage, { run, epochs: epochsBefore + epochs })
    }
  }
  return covered.map((stages) => {
    const longest = [...stages.values()].sort((a, b) => b.epochs - a.epochs)[0]
    return longest && longest.epochs > minimumShare * epochsPerColumn ? longest.run : undefined
  })
}
