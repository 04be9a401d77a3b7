import { scaleBand, scaleLinear } from 'd3-scale'
import { round } from '../../../src/hypnogram/svg-document.ts'
import type { Colour } from '../../../src/hypnogram/theme.ts'
import { documentOf, frameOf, type Labels, xAxis, yAxis } from './frame.ts'

export interface Range {
  readonly label: string
  readonly from: number
  readonly to: number
  /** A value that gets a line across the bar. */
  readonly mark?: number
  readonly colour?: Colour
}

export interface RangesOptions {
  /** Pixels for one row. */
  readonly rowHeight: number
  readonly left: number
  /** The text of a value at the axis and in the description. */
  readonly format: (value: number) => string
  /** The distance of the labels at the axis. */
  readonly step: number
  /** Whether the row gets its label; by default each one does. */
  readonly isLabelled?: (label: string, at: number) => boolean
}

/** Draws a bar from one value to another for each row, downwards in the order of the rows. */
export function drawRanges(labels: Labels, ranges: readonly Range[], options: RangesOptions): string {
  const { rowHeight, left, format, step, isLabelled = () => true } = options
  const frame = frameOf(labels, ranges.length * rowHeight, left)
  const { top, bottom, right, paint } = frame
  const lowest = Math.floor(Math.min(...ranges.map(({ from }) => from)) / step) * step
  const highest = Math.ceil(Math.max(...ranges.map(({ to }) => to)) / step) * step
  const x = scaleLinear([lowest, highest], [left, right])
  const y = scaleBand(
    ranges.map((_, at) => at),
    [top, bottom],
  ).padding(0.25)
  const ticks = Array.from(
    { length: Math.round((highest - lowest) / step) + 1 },
    (_, at) => lowest + at * step,
  )
  const description = ranges.map(({ label, from, to, mark }) => {
    const middle = mark === undefined ? '' : `${format(mark)}, from `
    return `${label}: ${middle}${format(from)} to ${format(to)}`
  })
  return documentOf(
    frame,
    labels,
    `${description.join('; ')}.`,
    [],
    [
      ...xAxis(
        frame,
        ticks.map((value) => ({ at: x(value), label: format(value) })),
      ),
      ...yAxis(
        frame,
        ranges.flatMap(({ label }, at) =>
          isLabelled(label, at) ? [{ at: (y(at) ?? 0) + y.bandwidth() / 2, label }] : [],
        ),
      ),
      ...ranges.map(
        ({ from, to, colour = 'light' }, at) =>
          `<rect x="${round(x(from))}" y="${round(y(at) ?? 0)}" width="${round(x(to) - x(from))}" height="${round(y.bandwidth())}" rx="3" ${paint.fill(colour)}/>`,
      ),
      ...ranges.flatMap(({ mark }, at) =>
        mark === undefined
          ? []
          : [
              `<path d="M${round(x(mark))} ${round((y(at) ?? 0) - 2)}v${round(y.bandwidth() + 4)}" ${paint.stroke('text')} stroke-width="2.5"/>`,
            ],
      ),
    ],
  )
}

/** Minutes from midnight as a time of day; −30 is 23:30. */
export function clock(minutes: number): string {
  const ofDay = (Math.round(minutes) + 1440) % 1440
  return `${String(Math.floor(ofDay / 60)).padStart(2, '0')}:${String(ofDay % 60).padStart(2, '0')}`
}
