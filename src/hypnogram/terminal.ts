import { duration, type Hypnogram, heading, type Run, timeRange } from './hypnogram.ts'

const LANES = [
  { stage: 'wake', label: 'Wake', colour: 33 },
  { stage: 'rem', label: 'REM', colour: 35 },
  { stage: 'light', label: 'Light', colour: 36 },
  { stage: 'deep', label: 'Deep', colour: 34 },
]
const MARGIN = 8

/** The hypnogram as lines of text, at most `width` columns wide. */
export function drawText(hypnogram: Hypnogram, width: number, coloured: boolean): string {
  const paint = (text: string, colour: number) => (coloured ? `\u001b[${colour}m${text}\u001b[0m` : text)
  const columns = Math.max(10, Math.min(width - MARGIN - 1, Math.ceil(hypnogram.length)))
  const cells = resample(hypnogram.sleep, hypnogram.length, columns)
  const lines = LANES.map(({ stage, label, colour }) => {
    const bar = cells.map((cell) => (cell?.stage === stage ? (cell.provisional ? '▒' : '█') : ' ')).join('')
    return `${label.padEnd(MARGIN)}${paint(bar.trimEnd(), colour)}`
  })
  const missing = cells.map((cell) => (cell === undefined || cell.stage === 'no_data' ? '·' : ' ')).join('')
  const snoring = resample(
    hypnogram.snoring.filter(({ stage }) => stage === 'snoring'),
    hypnogram.length,
    columns,
    0.2,
  )
  const snores = snoring.map((cell) => (cell ? '▄' : ' ')).join('')
  return [
    `${heading(hypnogram)}, ${timeRange(hypnogram)}`,
    '',
    ...lines,
    ...(missing.trim() ? [`${'No data'.padEnd(MARGIN)}${missing.trimEnd()}`] : []),
    ...(snores.trim() ? [`${'Snoring'.padEnd(MARGIN)}${paint(snores.trimEnd(), 31)}`] : []),
    ...axis(hypnogram, columns),
    ...facts(hypnogram),
    '',
  ].join('\n')
}

/** For each column the stage that fills most of it; nothing where no run covers at least `least` of it. */
function resample(runs: Run[], length: number, columns: number, least = 0): Array<Run | undefined> {
  const span = length / columns
  const covered = Array.from({ length: columns }, () => new Map<string, { run: Run; epochs: number }>())
  for (const run of runs) {
    const last = Math.min(columns - 1, Math.ceil((run.first + run.epochs) / span) - 1)
    for (let column = Math.max(0, Math.floor(run.first / span)); column <= last; column += 1) {
      const epochs =
        Math.min(run.first + run.epochs, (column + 1) * span) - Math.max(run.first, column * span)
      const before = covered[column]?.get(run.stage)?.epochs ?? 0
      covered[column]?.set(run.stage, { run, epochs: before + epochs })
    }
  }
  return covered.map((stages) => {
    const most = [...stages.values()].sort((a, b) => b.epochs - a.epochs)[0]
    return most && most.epochs > least * span ? most.run : undefined
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

function facts({ night, sleep }: Hypnogram): string[] {
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
