import type { Hypnogram, StageRun } from './hypnogram.ts'
import { type Canvas, round } from './svg-document.ts'

/** One row of a drawing for each stage, from the top. */
export const ROWS = [
  { stage: 'wake', label: 'Wake' },
  { stage: 'rem', label: 'REM' },
  { stage: 'light', label: 'Light' },
  { stage: 'deep', label: 'Deep' },
] as const

/** Where the stages are drawn. */
export interface Plot {
  readonly x: (epoch: number) => number
  readonly top: number
  readonly rowHeight: number
  readonly barHeight: number
}

/**
 * Bars for each run of a stage, hollow if it is provisional, with lines between them, over hatched areas for the epochs
 * that have no data.
 */
export function stageElements(
  { paint, missing }: Canvas,
  { sleep, length }: Hypnogram,
  plot: Plot,
): string[] {
  const { x, top, rowHeight, barHeight } = plot
  const middleOf = (row: number) => top + row * rowHeight + rowHeight / 2
  const widthOf = ({ firstEpoch, epochs }: Pick<StageRun, 'firstEpoch' | 'epochs'>) =>
    round(Math.max(1.2, x(firstEpoch + epochs) - x(firstEpoch)))
  const unknown = [...sleep.filter(({ stage }) => stage === 'no_data'), ...gaps(sleep, length)].map(
    (run) =>
      `<rect x="${x(run.firstEpoch)}" y="${top}" width="${widthOf(run)}" height="${ROWS.length * rowHeight}" ${missing}/>`,
  )
  const connectors = sleep.flatMap((run, at) => {
    const [from, to] = [rowOf(sleep[at - 1]), rowOf(run)]
    if (from < 0 || to < 0 || isGapBetween(sleep[at - 1], run)) return []
    return [`M${x(run.firstEpoch)} ${middleOf(from)}V${middleOf(to)}`]
  })
  const bars = sleep.flatMap((run) => {
    const row = rowOf(run)
    const stage = ROWS[row]?.stage
    if (!stage) return []
    const width = widthOf(run)
    const isHollow = run.provisional && width > 4
    const inset = isHollow ? 0.75 : 0
    const radius = Math.min(3, width * 0.4).toFixed(1)
    return [
      `<rect x="${round(x(run.firstEpoch) + inset)}" y="${middleOf(row) - barHeight / 2 + inset}" width="${round(width - 2 * inset)}" height="${barHeight - 2 * inset}" rx="${radius}" ${isHollow ? paint.outline(stage) : paint.fill(stage)}/>`,
    ]
  })
  return [
    ...unknown,
    ...(connectors.length > 0
      ? [`<path d="${connectors.join('')}" ${paint.stroke('line')} fill="none"/>`]
      : []),
    ...bars,
  ]
}

/** What the marks mean that a drawing has. */
export function legend(sessions: Hypnogram[]): string {
  const runs = sessions.flatMap(({ sleep }) => sleep)
  const hasMissing = sessions.some(
    ({ sleep, length }) => sleep.some(({ stage }) => stage === 'no_data') || gaps(sleep, length).length > 0,
  )
  return [
    ...(runs.some(({ provisional }) => provisional) ? ['hollow: provisional'] : []),
    ...(hasMissing ? ['hatched: no data'] : []),
  ].join(', ')
}

const rowOf = (run: StageRun | undefined) => ROWS.findIndex(({ stage }) => stage === run?.stage)
const isGapBetween = (before: StageRun | undefined, run: StageRun) =>
  !before || before.firstEpoch + before.epochs < run.firstEpoch

/**
 * The epochs before, between and after the runs, for which no stage was sent. An array that ends one epoch before the
 * session does is complete.
 */
function gaps(runs: StageRun[], length: number): Array<Pick<StageRun, 'firstEpoch' | 'epochs'>> {
  let end = 0
  const found = runs.map(({ firstEpoch, epochs }) => {
    const gap = { firstEpoch: end, epochs: firstEpoch - end }
    end = firstEpoch + epochs
    return gap
  })
  const isCutOff = length - end > 1
  return [...found, ...(isCutOff ? [{ firstEpoch: end, epochs: length - end }] : [])].filter(
    ({ epochs }) => epochs > 0,
  )
}
