import type { Hypnogram, StageRun } from './hypnogram.ts'
import { duration, heading, timeRange } from './labels.ts'

/** One line for each stage, from the top; colours are ANSI codes. */
const STAGES = [
  { stage: 'wake', label: 'Wake', colour: 33 },
  { stage: 'rem', label: 'REM', colour: 35 },
  { stage: 'light', label: 'Light', colour: 36 },
  { stage: 'deep', label: 'Deep', colour: 34 },
]
/** Columns of the labels on the left. */
const MARGIN = 8
/** A column shows snoring if more than this share of it is snoring. */
const SNORING_SHARE = 0.2

/** Draws a hypnogram as lines of text, at most `width` columns wide, with ANSI colours if `isColoured`. */
export function drawText(hypnogram: Hypnogram, width: number, isColoured: boolean): string {
  const paint = (text: string, colour: number) => (isColoured ? `\u001b[${colour}m${text}\u001b[0m` : text)
  const columns = Math.max(10, Math.min(width - MARGIN - 1, Math.ceil(hypnogram.length)))
  const cells = resample(hypnogram.sleep, hypnogram.length, columns)
  const lines = STAGES.map(({ stage, label, colour }) => {
    const bar = cells.map((cell) => (cell?.stage === stage ? (cell.provisional ? '▒' : '█') : ' ')).join('')
    return `${label.padEnd(MARGIN)}${paint(bar.trimEnd(), colour)}`
  })
  const missingLine = cells
    .map((cell) => (cell === undefined || cell.stage === 'no_data' ? '·' : ' '))
    .join('')
  const snoring = resample(
    hypnogram.snoring.filter(({ stage }) => stage === 'snoring'),
    hypnogram.length,
    columns,
    SNORING_SHARE,
  )
  const snoringLine = snoring.map((cell) => (cell ? '▄' : ' ')).join('')
  return [
    `${heading(hypnogram)}, ${timeRange(hypnogram)}`,
    '',
    ...lines,
    ...(missingLine.trim() ? [`${'No data'.padEnd(MARGIN)}${missingLine.trimEnd()}`] : []),
    ...(snoringLine.trim() ? [`${'Snoring'.padEnd(MARGIN)}${paint(snoringLine.trimEnd(), 31)}`] : []),
    ...axis(hypnogram, columns),
    ...figures(hypnogram),
    '',
  ].join('\n')
}

/** For each column, a run of the stage that covers most of it; undefined if that covers no more than `minimumShare`. */
function resample(
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

function axis({ ticks, length }: Hypnogram, columns: number): string[] {
  const marks = Array<string>(columns).fill('─')
  let labels = ''
  for (const { epoch, label } of ticks) {
    const at = Math.round((epoch / length) * columns)
    if (at >= columns || at < labels.length) continue
    marks[at] = '┬'
    labels = `${labels.padEnd(at)}${label} `
  }
  return [`${' '.repeat(MARGIN)}${marks.join('')}`, `${' '.repeat(MARGIN)}${labels.trimEnd()}`]
}

function figures({ night, sleep }: Hypnogram): string[] {
  const provisional = sleep.some((run) => run.provisional)
    ? ['▒ provisional: the session is not complete']
    : []
  if (!night) return ['', ...provisional]
  const minutes = Object.entries(night.minutes).flatMap(([name, value]) =>
    value === null ? [] : [`${name === 'waso' ? 'awake after onset' : name} ${duration(value)}`],
  )
  const efficiency = night.efficiency === null ? [] : [`efficiency ${Math.round(night.efficiency * 100)} %`]
  return ['', [...minutes, ...efficiency, ...night.peculiarities].join(' · '), ...provisional]
}
