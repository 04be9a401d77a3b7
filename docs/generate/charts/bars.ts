import { scaleBand, scaleLinear } from 'd3-scale'
import { round } from '../../../src/hypnogram/svg-document.ts'
import { documentOf, frameOf, type Labels, type Series, short, xAxis, yAxis } from './frame.ts'

export interface Bars {
  readonly label: string
  /** One value for each series. */
  readonly values: readonly number[]
}

const HEIGHT = 200

/** Draws the values of each group beside or above one another. Values that are stacked must not be negative. */
export function drawBars(
  labels: Labels,
  series: readonly Series[],
  groups: readonly Bars[],
  unit: string,
  way: 'beside' | 'stacked',
): string {
  const frame = frameOf(labels, HEIGHT)
  const { left, right, top, bottom, paint } = frame
  const x = scaleBand(
    groups.map(({ label }) => label),
    [left, right],
  ).padding(0.3)
  const ends = groups.flatMap(({ values }) =>
    way === 'stacked' ? [values.reduce((sum, value) => sum + value, 0)] : values,
  )
  const y = scaleLinear([Math.min(0, ...ends), Math.max(0, ...ends)], [bottom, top]).nice(5)
  const width = x.bandwidth() / (way === 'stacked' ? 1 : series.length)
  const bars = groups.flatMap(({ label, values }) => {
    let below = 0
    return values.map((value, at) => {
      const from = way === 'stacked' ? below : 0
      below += value
      const [start, end] = [y(from), y(from + value)]
      const begin = (x(label) ?? 0) + (way === 'stacked' ? 0 : at * width)
      return `<rect x="${round(begin)}" y="${round(Math.min(start, end))}" width="${round(width - 2)}" height="${round(Math.abs(end - start))}" ${paint.fill(series[at]?.colour ?? 'text')}/>`
    })
  })
  const description = groups.map(({ label, values }) => {
    const parts = values.map((value, at) => `${series[at]?.name} ${short(value)}`)
    return `${label}: ${parts.join(', ')} ${unit}`
  })
  return documentOf(frame, labels, `${description.join('; ')}.`, series, [
    ...yAxis(
      frame,
      y.ticks(5).map((value) => ({ at: y(value), label: short(value) })),
    ),
    ...bars,
    ...xAxis(
      { ...frame, top: bottom },
      groups.map(({ label }) => ({ at: (x(label) ?? 0) + x.bandwidth() / 2, label })),
    ),
    `<path d="M${left} ${round(y(0))}H${right}" ${paint.stroke('line')}/>`,
  ])
}
