import { scaleBand, scaleUtc } from 'd3-scale'
import { curveStepAfter, line } from 'd3-shape'
import { round } from '../../../src/hypnogram/svg-document.ts'
import { documentOf, frameOf, type Labels, xAxis, yAxis } from './frame.ts'

export interface Interval {
  readonly stage: string
  readonly starts_at: string
  readonly seconds: number
}

/** From the top. */
const STAGES = ['wake', 'rem', 'light', 'deep'] as const

/** Draws a hypnogram: a bar for each interval, and a line through all of them. */
export function drawStages(labels: Labels, intervals: readonly Interval[]): string {
  const frame = frameOf(labels, 140, 72)
  const { left, right, top, bottom, paint } = frame
  const startOf = ({ starts_at }: Interval) => Date.parse(starts_at)
  const endOf = (interval: Interval) => startOf(interval) + interval.seconds * 1000
  const [first, last] = [intervals[0], intervals.at(-1)]
  if (!first || !last) throw new Error('There is no interval to draw.')
  const x = scaleUtc([startOf(first), endOf(last)], [left, right])
  const y = scaleBand(STAGES, [top, bottom]).padding(0.4)
  const middle = (stage: string) => (y(stage as (typeof STAGES)[number]) ?? 0) + y.bandwidth() / 2
  const staged = intervals.filter(({ stage }) => y(stage as (typeof STAGES)[number]) !== undefined)
  const steps = line<Interval>()
    .x((interval) => x(startOf(interval)))
    .y(({ stage }) => middle(stage))
    .curve(curveStepAfter)
    .digits(1)
  const minutesIn = (stage: string) =>
    staged.filter((interval) => interval.stage === stage).reduce((sum, { seconds }) => sum + seconds / 60, 0)
  const description = STAGES.map((stage) => `${stage} ${minutesIn(stage)} minutes`)
  return documentOf(
    frame,
    labels,
    `${description.join(', ')}.`,
    [],
    [
      ...xAxis(
        frame,
        x.ticks(8).map((at) => ({ at: x(at), label: at.toISOString().slice(11, 16) })),
      ),
      ...yAxis(
        frame,
        STAGES.map((stage) => ({ at: middle(stage), label: stage })),
      ),
      `<path d="${steps(staged)}" ${paint.stroke('line')} fill="none"/>`,
      ...STAGES.map((stage) => {
        const runs = staged.filter((interval) => interval.stage === stage)
        const path = runs.map((run) => `M${round(x(startOf(run)))} ${middle(stage)}H${round(x(endOf(run)))}`)
        return `<path d="${path.join('')}" ${paint.stroke(stage)} stroke-width="${round(y.bandwidth())}" fill="none"/>`
      }),
    ],
  )
}
