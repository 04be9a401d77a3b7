import { type Canvas, canvasOf, round } from '../../../src/hypnogram/svg-document.ts'
import type { Colour } from '../../../src/hypnogram/theme.ts'

/** What every chart says in words. */
export interface Labels {
  /** The name of the file, without `.svg`. It begins the ids of the elements. */
  readonly name: string
  readonly title: string
  /** What is drawn and in which unit; stands below the title. */
  readonly note: string
}

export interface Series {
  readonly name: string
  readonly colour: Colour
}

export interface Tick {
  /** In pixels. */
  readonly at: number
  readonly label: string
}

/** The area that a chart draws in, in pixels. */
export interface Frame extends Canvas {
  readonly left: number
  readonly right: number
  readonly top: number
  readonly bottom: number
}

const WIDTH = 640
const TOP = 76

/** Returns a frame whose area is `height` pixels high and begins `left` pixels from the edge. */
export function frameOf({ name }: Labels, height: number, left = 56): Frame {
  const canvas = canvasOf({ width: WIDTH, prefix: name })
  return { ...canvas, left, right: WIDTH - 28, top: TOP, bottom: TOP + height }
}

/** Returns the document: title, note and legend above `elements`. The description is for those who can't see the chart. */
export function documentOf(
  frame: Frame,
  { title, note }: Labels,
  description: string,
  series: readonly Series[],
  elements: string[],
): string {
  return frame.document(title, `${title}: ${note}. ${description}`, frame.bottom + 40, [
    frame.text(20, 32, title, { size: 16, weight: 600 }),
    frame.text(20, 54, note, { size: 12, colour: 'muted' }),
    ...legend(frame, series),
    ...elements,
  ])
}

/** From the right: a square in the colour of each series, and its name. */
function legend({ right, paint, text }: Frame, series: readonly Series[]): string[] {
  let end = right
  return [...series].reverse().flatMap(({ name, colour }) => {
    const width = name.length * 7
    const start = end - width
    end = start - 30
    return [
      `<rect x="${start - 14}" y="45" width="10" height="10" rx="2" ${paint.fill(colour)}/>`,
      text(start, 54, name, { size: 12 }),
    ]
  })
}

/** Labels below the area, and lines upwards from them. */
export function xAxis({ left, right, top, bottom, paint, text }: Frame, ticks: readonly Tick[]): string[] {
  return [
    `<path d="${ticks.map(({ at }) => `M${round(at)} ${top}V${bottom}`).join('')}" ${paint.stroke('grid')} fill="none"/>`,
    `<path d="M${left} ${bottom}H${right}" ${paint.stroke('line')}/>`,
    ...ticks.map(({ at, label }) =>
      text(round(at), bottom + 20, label, { size: 12, colour: 'muted', anchor: 'middle' }),
    ),
  ]
}

/** Labels to the left of the area, and lines to the right from them. */
export function yAxis({ left, right, paint, text }: Frame, ticks: readonly Tick[]): string[] {
  return [
    `<path d="${ticks.map(({ at }) => `M${left} ${round(at)}H${right}`).join('')}" ${paint.stroke('grid')} fill="none"/>`,
    ...ticks
      .filter(({ label }) => label !== '')
      .map(({ at, label }) =>
        text(left - 10, round(at + 4), label, { size: 12, colour: 'muted', anchor: 'end' }),
      ),
  ]
}

/** A number as short text: at most two decimals. */
export const short = (value: number) => String(round(value)).replace('-', '−')
