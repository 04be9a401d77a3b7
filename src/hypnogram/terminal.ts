import type { Hypnogram } from './hypnogram.ts'
import { duration, heading, timeRange } from './labels.ts'
import { inWords } from './peculiarities.ts'
import { resample } from './resample.ts'
import { wrapped } from './wrapped.ts'

/** One line for each stage, from the top; colours are ANSI codes. */
export const STAGES = [
  { stage: 'wake', label: 'Wake', colour: 33 },
  { stage: 'rem', label: 'REM', colour: 35 },
  { stage: 'light', label: 'Light', colour: 36 },
  { stage: 'deep', label: 'Deep', colour: 34 },
]
/** Columns of the labels on the left. */
const MARGIN = 8
/** A column shows snoring if more than this share of it is snoring. */
const SNORING_SHARE = 0.2

export interface TextOptions {
  /** Columns of the terminal; no line is longer. */
  readonly width: number
  /** Whether to use ANSI colours. */
  readonly isColoured: boolean
  /** Whether the drawing names the user and the session. */
  readonly ids?: boolean
}

/** Draws a hypnogram as lines of text. */
export function drawText(hypnogram: Hypnogram, { width, isColoured, ids = true }: TextOptions): string {
  const paint = painter(isColoured)
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
    ...wrapped(`${heading(hypnogram, ids)}, ${timeRange(hypnogram)}`, width),
    '',
    ...lines,
    ...(missingLine.trim() ? [`${'No data'.padEnd(MARGIN)}${missingLine.trimEnd()}`] : []),
    ...(snoringLine.trim() ? [`${'Snoring'.padEnd(MARGIN)}${paint(snoringLine.trimEnd(), 31)}`] : []),
    ...axis(hypnogram, columns),
    ...figures(hypnogram).flatMap((line) => wrapped(line, width)),
    '',
  ].join('\n')
}

export function painter(isColoured: boolean): (text: string, colour: number) => string {
  return (text, colour) => (isColoured && text ? `\u001b[${colour}m${text}\u001b[0m` : text)
}

function axis({ ticks, length }: Hypnogram, columns: number): string[] {
  const marks = Array<string>(columns).fill('─')
  let labels = ''
  for (const { epoch, label } of ticks) {
    const at = Math.round((epoch / length) * columns)
    if (at + label.length > columns || at < labels.length) continue
    marks[at] = '┬'
    labels = `${labels.padEnd(at)}${label} `
  }
  return [`${' '.repeat(MARGIN)}${marks.join('')}`, `${' '.repeat(MARGIN)}${labels.trimEnd()}`]
}

const NAMES = new Map([
  ['inBed', 'in bed'],
  ['waso', 'awake after onset'],
  ['longestWaso', 'longest awakening'],
  ['latency', 'asleep after'],
])

function figures({ night, sleep }: Hypnogram): string[] {
  const provisional = sleep.some((run) => run.provisional)
    ? ['▒ provisional: the session is not complete']
    : []
  if (!night) return ['', ...provisional]
  const minutes = Object.entries(night.minutes).flatMap(([name, value]) =>
    value === null ? [] : [`${NAMES.get(name) ?? name} ${duration(value)}`],
  )
  const wakeUps =
    night.wakeUps === null ? [] : [`${night.wakeUps} ${night.wakeUps === 1 ? 'wake-up' : 'wake-ups'}`]
  const efficiency = night.efficiency === null ? [] : [`efficiency ${Math.round(night.efficiency * 100)} %`]
  return [
    '',
    ...[[...minutes, ...wakeUps, ...efficiency].join(' · ')].filter(Boolean),
    ...night.peculiarities.map((peculiarity) => `Note: ${inWords(peculiarity)}.`),
    ...provisional,
  ]
}
