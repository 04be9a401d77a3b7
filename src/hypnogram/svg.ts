import { describe } from './describe.ts'
import type { Hypnogram } from './hypnogram.ts'
import { duration, heading, timeRange } from './labels.ts'
import { inWords } from './peculiarities.ts'
import { type Canvas, canvasOf, round, type SvgOptions, textWidth } from './svg-document.ts'
import { legend, ROWS, stageElements } from './svg-stages.ts'
import type { Colour } from './theme.ts'

const ROW_HEIGHT = 50
const BAR_HEIGHT = 20
const SNORING_HEIGHT = 16
const TICK_SIZE = 13

/** Draws a hypnogram as an SVG document, with snoring, a time axis, and a description that can be read aloud. */
export function drawSvg(hypnogram: Hypnogram, options: SvgOptions = {}): string {
  const canvas = canvasOf(options)
  const { width, isNarrow, paint, text, paragraph } = canvas
  const { length, sleep, snoring } = hypnogram
  const { ids = true } = options
  const margin = isNarrow ? 16 : 28
  const [left, right] = [isNarrow ? 72 : 88, width - margin]
  const title = paragraph(margin, isNarrow ? 38 : 46, heading(hypnogram, ids), {
    size: isNarrow ? 18 : 20,
    weight: 600,
  })
  const subtitleTop = (isNarrow ? 36 : 44) + title.height
  const subtitle = paragraph(margin, subtitleTop, timeRange(hypnogram), { size: 14, colour: 'muted' })
  const figureElements = figures(canvas, hypnogram, margin, subtitleTop + subtitle.height + 16)
  const top = subtitleTop + subtitle.height + 12 + (isNarrow ? figureElements.height : 0)
  const bottom = top + ROWS.length * ROW_HEIGHT
  const snoringTop = bottom + 14
  const axis = snoringTop + SNORING_HEIGHT + 10
  const scale = (right - left) / Math.max(1, length)
  const x = (epoch: number) => round(left + epoch * scale)
  const footer = paragraph(margin, axis + 56, remarks(hypnogram, ids), { size: 12, colour: 'muted' })
  const ticks = spacedTicks(hypnogram, scale, right - left + margin)
  const mark = sleep.length > 0 ? legend([hypnogram]) : ''

  return canvas.document(
    `${heading(hypnogram, ids)}, ${timeRange(hypnogram)}`,
    describe(hypnogram),
    axis + 56 + footer.height,
    [
      ...title.elements,
      ...subtitle.elements,
      ...figureElements.elements,
      ...(mark ? [text(right, top - 4, mark, { size: 12, colour: 'muted', anchor: 'end' })] : []),
      `<path d="${ticks.map(({ epoch }) => `M${x(epoch)} ${top}V${axis}`).join('')}" ${paint.stroke('grid')} fill="none"/>`,
      ...ROWS.flatMap(({ label }, row) => {
        const middle = top + row * ROW_HEIGHT + ROW_HEIGHT / 2
        return [
          `<path d="M${left} ${middle}H${right}" ${paint.stroke('grid')}/>`,
          text(left - 14, middle + 5, label, { size: 14, anchor: 'end' }),
        ]
      }),
      ...(sleep.length > 0
        ? stageElements(canvas, hypnogram, { x, top, rowHeight: ROW_HEIGHT, barHeight: BAR_HEIGHT })
        : []),
      ...(sleep.length === 0
        ? [
            text((left + right) / 2, top + ROW_HEIGHT + 5, 'No sleep stages were sent', {
              size: 14,
              colour: 'muted',
              anchor: 'middle',
            }),
          ]
        : []),
      ...clockChangeMark(canvas, hypnogram, x, top, axis),
      text(left - 14, snoringTop + 12, 'Snoring', { size: 12, colour: 'muted', anchor: 'end' }),
      `<path d="M${left} ${snoringTop + SNORING_HEIGHT}H${right}" ${paint.stroke('grid')}/>`,
      ...(snoring.length === 0
        ? [text(left + 4, snoringTop + 12, 'no data', { size: 12, colour: 'muted' })]
        : []),
      ...snoring
        .filter(({ stage }) => stage === 'snoring')
        .map(
          ({ firstEpoch, epochs, provisional }) =>
            `<rect x="${x(firstEpoch)}" y="${snoringTop}" width="${round(Math.max(1.2, epochs * scale))}" height="${SNORING_HEIGHT}" ${provisional && epochs * scale > 4 ? paint.outline('snoring') : paint.fill('snoring')}/>`,
        ),
      `<path d="M${left} ${axis}H${right}${ticks.map(({ epoch }) => `M${x(epoch)} ${axis}v5`).join('')}" ${paint.stroke('line')} fill="none"/>`,
      ...ticks
        .filter(({ label }) => label)
        .map(({ epoch, label }) =>
          text(x(epoch), axis + 21, label, { size: TICK_SIZE, colour: 'muted', anchor: 'middle' }),
        ),
      ...footer.elements,
    ],
  )
}

/** The ticks, without the labels for which there is no room. */
function spacedTicks({ ticks }: Hypnogram, scale: number, most: number): Hypnogram['ticks'] {
  const room = textWidth('00:00', TICK_SIZE) + 10
  let free = Number.NEGATIVE_INFINITY
  return ticks.map(({ epoch, label }) => {
    const at = epoch * scale
    if (at < free || at + textWidth(label, TICK_SIZE) / 2 > most) return { epoch, label: '' }
    free = at + room
    return { epoch, label }
  })
}

/** A dashed line where the clocks change. */
function clockChangeMark(
  { paint }: Canvas,
  { night, length }: Hypnogram,
  x: (epoch: number) => number,
  top: number,
  bottom: number,
): string[] {
  const change = night?.clockChange
  if (!change || change.epoch > length) return []
  return [`<path d="M${x(change.epoch)} ${top}V${bottom}" ${paint.stroke('line')} stroke-dasharray="3 3"/>`]
}

/** The most important durations: in the top right corner, or below the title if the drawing is narrow. */
function figures(
  { width, isNarrow, text }: Canvas,
  { night }: Hypnogram,
  margin: number,
  top: number,
): { elements: string[]; height: number } {
  if (!night) return { elements: [], height: 0 }
  const { asleep, deep, rem, waso } = night.minutes
  const all: Array<[name: string, value: string | null, colour: Colour]> = [
    ['Asleep', asleep === null ? null : duration(asleep), 'text'],
    ['Efficiency', night.efficiency === null ? null : `${Math.round(night.efficiency * 100)} %`, 'text'],
    ['Deep', deep === null ? null : duration(deep), 'text'],
    ['REM', rem === null ? null : duration(rem), 'text'],
    ['Awake after onset', waso === null ? null : duration(waso), 'text'],
  ]
  const known = all.filter(([, value]) => value !== null)
  if (known.length === 0) return { elements: [], height: 0 }
  if (isNarrow) {
    const columns = Math.max(2, Math.floor((width - 2 * margin) / 130))
    const column = (width - 2 * margin) / columns
    const elements = known.flatMap(([name, value, colour], at) => {
      const [left, y] = [round(margin + (at % columns) * column), top + Math.floor(at / columns) * 44]
      return [
        text(left, y, value ?? '', { size: 16, weight: 600, colour }),
        text(left, y + 17, name, { size: 12, colour: 'muted' }),
      ]
    })
    return { elements, height: Math.ceil(known.length / columns) * 44 + 16 }
  }
  const elements = known.flatMap(([name, value, colour], at) => {
    const right = width - margin - (known.length - 1 - at) * 112
    return [
      text(right, 46, value ?? '', { size: 16, weight: 600, colour, anchor: 'end' }),
      text(right, 66, name, { size: 12, colour: 'muted', anchor: 'end' }),
    ]
  })
  return { elements, height: 0 }
}

/** The peculiarities in words, after the ids if the drawing has them. */
function remarks({ userId, sessionId, night }: Hypnogram, ids: boolean): string {
  return [
    ...(ids ? [`User ${userId}`, `session ${sessionId}`] : []),
    ...(night?.peculiarities ?? []).map(inWords),
  ].join(' · ')
}
