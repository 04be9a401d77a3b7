import { scaleLinear, scaleUtc } from 'd3-scale'
import { line } from 'd3-shape'
import { round } from '../../../src/hypnogram/svg-document.ts'
import { documentOf, type Frame, frameOf, type Labels, type Series, short, xAxis, yAxis } from './frame.ts'

export interface Points extends Series {
  /** In the order of x. A point without a y interrupts the line. */
  readonly points: ReadonlyArray<readonly [x: number, y: number | null]>
  readonly marks?: boolean
  readonly line?: boolean | 'dashed'
}

const HEIGHT = 200
/** A circle, a square and a triangle, around the point that the path is at. */
const SHAPES = [
  'm-3.3,0a3.3,3.3,0,1,0,6.6,0a3.3,3.3,0,1,0,-6.6,0',
  'm-2.9,-2.9h5.8v5.8h-5.8z',
  'm0,-4.2l4,7h-8z',
]
const toPath = line<readonly [number, number | null]>()
  .defined(([, y]) => y !== null)
  .digits(1)

/** Draws values by day. An x is the day in milliseconds since 1970. Trends have neither a legend nor a description. */
export function drawDays(
  labels: Labels,
  series: readonly Points[],
  unit: string,
  trends: readonly Points[] = [],
): string {
  const frame = frameOf(labels, HEIGHT)
  const xs = series.flatMap(({ points }) => points.map(([x]) => x))
  const x = scaleUtc([Math.min(...xs), Math.max(...xs)], [frame.left + 8, frame.right - 8])
  const format = (day: number | Date) =>
    new Date(day).toLocaleDateString('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' })
  const days = [...new Set(xs)]
  const ticks = (days.length <= 8 ? days : x.ticks(7)).map((day) => ({ at: x(day), label: format(day) }))
  const description = series
    .filter(({ points }) => points.some(([, y]) => y !== null))
    .map(({ name, points }) => {
      const known = points.flatMap(([day, y]) => (y === null ? [] : [[day, y] as const]))
      const [[firstDay, first] = [0, 0], [lastDay, last] = [0, 0]] = [known[0], known.at(-1)]
      const ys = known.map(([, y]) => y)
      return `${name}: ${short(first)} ${unit} on ${format(firstDay)}, ${short(last)} on ${format(lastDay)}, lowest ${short(Math.min(...ys))}, highest ${short(Math.max(...ys))}`
    })
  return drawPoints(frame, labels, series, { x, ticks, description: `${description.join('; ')}.` }, trends)
}

/** Draws one value against another. */
export function drawScatter(
  labels: Labels,
  series: readonly Points[],
  axis: string,
  description: string,
): string {
  const frame = frameOf(labels, HEIGHT)
  const xs = series.flatMap(({ points }) => points.map(([x]) => x))
  const x = scaleLinear([Math.min(...xs), Math.max(...xs)], [frame.left + 8, frame.right - 8]).nice()
  const ticks = x.ticks(8).map((value, at, all) => ({
    at: x(value),
    label: at === all.length - 1 ? `${short(value)} ${axis}` : short(value),
  }))
  return drawPoints(frame, labels, series, { x, ticks, description })
}

interface Horizontal {
  readonly x: (value: number) => number
  readonly ticks: ReadonlyArray<{ at: number; label: string }>
  readonly description: string
}

function drawPoints(
  frame: Frame,
  labels: Labels,
  series: readonly Points[],
  { x, ticks, description }: Horizontal,
  trends: readonly Points[] = [],
): string {
  const all = [...trends, ...series]
  const ys = all.flatMap(({ points }) => points.flatMap(([, y]) => (y === null ? [] : [y])))
  const y = scaleLinear([Math.min(...ys), Math.max(...ys)], [frame.bottom - 6, frame.top + 6]).nice(5)
  const placed = all.map(({ points }) =>
    points.map(([at, value]) => [round(x(at)), value === null ? null : round(y(value))] as const),
  )
  return documentOf(frame, labels, description, series, [
    ...xAxis(frame, ticks),
    ...yAxis(
      frame,
      y.ticks(5).map((value) => ({ at: y(value), label: short(value) })),
    ),
    ...all.flatMap(({ colour, line: kind = false, marks = false }, at) => {
      const points = placed[at] ?? []
      const dashes = kind === 'dashed' ? ' stroke-dasharray="5 4"' : ''
      const shape = SHAPES[(at - trends.length) % SHAPES.length] ?? ''
      return [
        ...(kind
          ? [
              `<path d="${toPath(points)}" ${frame.paint.stroke(colour)} fill="none" stroke-width="2"${dashes}/>`,
            ]
          : []),
        ...(marks ? [`<path d="${markPath(points, shape)}" ${frame.paint.fill(colour)}/>`] : []),
      ]
    }),
  ])
}

const markPath = (points: ReadonlyArray<readonly [number, number | null]>, shape: string) =>
  points.map(([x, y]) => (y === null ? '' : `M${x},${y}${shape}`)).join('')
