import {
  asleepOf,
  axisHours,
  axisOf,
  commonPeculiarities,
  detailOf,
  hasStart,
  remarksOf,
} from './days-axis.ts'
import type { Days, StageRun } from './hypnogram.ts'
import { daysHeading, daysSubtitle, duration, shortDate } from './labels.ts'
import { inWords } from './peculiarities.ts'
import { resample } from './resample.ts'
import { painter, STAGES, type TextOptions } from './terminal.ts'
import { wrapped } from './wrapped.ts'

const BARS = new Map([
  ['wake', '▇'],
  ['rem', '▅'],
  ['light', '▃'],
  ['deep', '▁'],
  ['no_data', '·'],
])
/** Columns of the date on the left. */
const MARGIN = 11
/** Columns of the figures on the right. */
const FIGURES = 22

/** Draws each day as one line of text, on a common axis of local time. The height of a bar tells the stage. */
export function drawDaysText(days: Days, { width, isColoured, ids = true }: TextOptions): string {
  const paint = painter(isColoured)
  const axis = axisOf(days)
  const columns = Math.max(20, width - MARGIN - FIGURES - 1)
  const common = commonPeculiarities(days)
  const column = (minute: number) => Math.round(((minute - axis.from) / (axis.to - axis.from)) * columns)
  const lines = days.days.flatMap(({ date, sessions }) => {
    const cells = Array<string>(columns).fill(' ')
    for (const session of sessions.filter(hasStart)) {
      const first = column(session.firstMinute)
      const count = Math.max(1, column(session.firstMinute + session.length / 2) - first)
      if (session.length === 0) continue
      resample(session.sleep, session.length, count).forEach((run, at) => {
        if (first + at >= 0 && first + at < columns) cells[first + at] = cell(run, paint)
      })
    }
    const asleep = asleepOf(sessions)
    const figures = [asleep === null ? '' : duration(asleep), detailOf(sessions)].filter(Boolean).join(', ')
    const remarks = remarksOf(sessions, common).replace(' (dashed line)', '')
    return [
      `${shortDate(date).padEnd(MARGIN)}${sessions.length === 0 ? 'no session' : `${cells.join('')} ${figures}`}`.trimEnd(),
      ...(remarks ? wrapped(remarks, width - MARGIN).map((line) => `${' '.repeat(MARGIN)}${line}`) : []),
    ]
  })
  const marks = Array<string>(columns).fill('─')
  let labels = ''
  for (const { minute, label } of axisHours(axis, columns / 7)) {
    const at = column(minute)
    if (at + label.length > columns) continue
    marks[at] = '┬'
    labels = `${labels.padEnd(at)}${label}`
  }
  const key = STAGES.map(
    ({ stage, label, colour }) => `${paint(BARS.get(stage) ?? '', colour)} ${label.toLowerCase()}`,
  )
  return [
    ...wrapped(daysHeading(days), width),
    ...wrapped(daysSubtitle(days), width),
    '',
    ...lines,
    `${' '.repeat(MARGIN)}${marks.join('')}`,
    `${' '.repeat(MARGIN)}${labels}`,
    '',
    `${key.join('  ')}  · no data`,
    ...(ids ? wrapped(`User ${days.userId}`, width) : []),
    ...common.flatMap((each) => wrapped(`All sessions: ${inWords(each)}.`, width)),
    '',
  ].join('\n')
}

function cell(run: StageRun | undefined, paint: (text: string, colour: number) => string): string {
  const stage = STAGES.find(({ stage }) => stage === run?.stage)
  return stage ? paint(BARS.get(stage.stage) ?? ' ', stage.colour) : '·'
}
