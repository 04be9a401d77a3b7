import {
  asleepOf,
  axisHours,
  axisOf,
  commonPeculiarities,
  type DaysAxis,
  detailOf,
  hasStart,
  remarksOf,
} from './days-axis.ts'
import { describeDays } from './describe.ts'
import type { Day, Days, PlacedHypnogram } from './hypnogram.ts'
import { daysHeading, daysSubtitle, duration, shortDate } from './labels.ts'
import { inWords } from './peculiarities.ts'
import { type Canvas, canvasOf, round, type SvgOptions, type TextStyle, textWidth } from './svg-document.ts'
import { legend, ROWS, stageElements } from './svg-stages.ts'

const STAGE_HEIGHT = 11
const BAR_HEIGHT = 8
const SNORING_HEIGHT = 4
const DAY_HEIGHT = ROWS.length * STAGE_HEIGHT + SNORING_HEIGHT + 16

/** Draws the sessions of consecutive days below each other on one axis of local time, as an SVG document. */
export function drawDaysSvg(days: Days, options: SvgOptions = {}): string {
  const canvas = canvasOf(options)
  const { width, isNarrow, paint, text, paragraph } = canvas
  const margin = isNarrow ? 16 : 28
  const [left, right] = isNarrow ? [margin + 88, width - margin] : [margin + 96, width - margin - 104]
  const title = paragraph(margin, isNarrow ? 38 : 46, daysHeading(days), {
    size: isNarrow ? 18 : 20,
    weight: 600,
  })
  const subtitleTop = (isNarrow ? 36 : 44) + title.height
  const subtitle = paragraph(margin, subtitleTop, daysSubtitle(days), { size: 14, colour: 'muted' })
  const key = keyElements(canvas, days, margin, subtitleTop + subtitle.height + 8)
  const axis = axisOf(days)
  const common = commonPeculiarities(days)
  const plot = {
    clip: `${options.prefix ?? 'hypnogram'}-plot`,
    left,
    scale: (right - left) / (axis.to - axis.from),
    axis,
  }

  const elements: string[] = []
  const top = subtitleTop + subtitle.height + key.height + 22
  let bottom = top
  for (const day of days.days) {
    const text = remarksOf(day.sessions, common)
    const remarks = text
      ? paragraph(left, bottom + DAY_HEIGHT + 8, text, { size: 12, colour: 'muted' }, width - margin)
      : { elements: [], height: 0 }
    elements.push(...dayElements(canvas, day, bottom, plot, margin), ...remarks.elements)
    bottom += DAY_HEIGHT + (text ? remarks.height + 4 : 0)
  }
  const hours = axisHours(axis, (right - left) / (textWidth('00:00', 12) + 12))
  const x = (minute: number) => round(left + (minute - axis.from) * plot.scale)
  const footer = paragraph(margin, bottom + 44, footerOf(days, common, options.ids ?? true), {
    size: 12,
    colour: 'muted',
  })
  return canvas.document(
    `${daysHeading(days)}, ${daysSubtitle(days)}`,
    describeDays(days, common),
    bottom + 44 + footer.height,
    [
      ...title.elements,
      ...subtitle.elements,
      ...key.elements,
      `<path d="${hours.map(({ minute }) => `M${x(minute)} ${top}V${bottom}`).join('')}" ${paint.stroke('grid')} fill="none"/>`,
      `<defs><clipPath id="${plot.clip}"><rect x="${left}" y="${top}" width="${right - left}" height="${bottom - top}"/></clipPath></defs>`,
      ...elements,
      `<path d="M${left} ${bottom}H${right}${hours.map(({ minute }) => `M${x(minute)} ${bottom}v5`).join('')}" ${paint.stroke('line')} fill="none"/>`,
      ...hours.map(({ minute, label }) =>
        text(x(minute), bottom + 20, label, { size: 12, colour: 'muted', anchor: 'middle' }),
      ),
      ...footer.elements,
    ],
  )
}

interface DaysPlot {
  /** Id of the clip path. */
  readonly clip: string
  readonly left: number
  readonly scale: number
  readonly axis: DaysAxis
}

function dayElements(
  canvas: Canvas,
  { date, sessions }: Day,
  top: number,
  plot: DaysPlot,
  margin: number,
): string[] {
  const { text, paint, width, isNarrow } = canvas
  const right = plot.left + (plot.axis.to - plot.axis.from) * plot.scale
  const asleep = asleepOf(sessions)
  const [main, detail] = [asleep === null ? '' : duration(asleep), detailOf(sessions)]
  const middle = top + 8 + (ROWS.length * STAGE_HEIGHT) / 2
  const muted = { size: 12, colour: 'muted' } as const
  const figures: Array<{ y: number; value: string; style: TextStyle }> = isNarrow
    ? [
        { y: middle + 14, value: main, style: muted },
        { y: middle + 29, value: detail, style: muted },
      ]
    : [
        { y: middle - 1, value: main, style: { size: 14, weight: 600, anchor: 'end' } },
        { y: middle + 16, value: detail, style: { ...muted, anchor: 'end' } },
      ]
  return [
    `<path d="M${margin} ${top}H${width - margin}" ${paint.stroke('grid')}/>`,
    text(margin, isNarrow ? middle - 3 : middle + 5, shortDate(date), { size: 14, weight: 600 }),
    ...figures
      .map(({ y, value, style }) => (value ? text(isNarrow ? margin : width - margin, y, value, style) : ''))
      .filter(Boolean),
    ...(sessions.length === 0
      ? [
          text((plot.left + right) / 2, middle + 4, 'no session', {
            size: 12,
            colour: 'muted',
            anchor: 'middle',
          }),
        ]
      : []),
    `<g clip-path="url(#${plot.clip})">`,
    ...sessions.filter(hasStart).flatMap((session) => sessionElements(canvas, session, top + 8, plot)),
    '</g>',
  ]
}

function sessionElements(
  canvas: Canvas,
  session: PlacedHypnogram & { readonly firstMinute: number },
  top: number,
  { left, scale, axis }: DaysPlot,
): string[] {
  const { paint } = canvas
  const x = (epoch: number) => round(left + (session.firstMinute + epoch / 2 - axis.from) * scale)
  const bottom = top + ROWS.length * STAGE_HEIGHT
  const change = session.night?.clockChange
  return [
    ...stageElements(canvas, session, { x, top, rowHeight: STAGE_HEIGHT, barHeight: BAR_HEIGHT }),
    ...session.snoring
      .filter(({ stage }) => stage === 'snoring')
      .map(
        ({ firstEpoch, epochs }) =>
          `<rect x="${x(firstEpoch)}" y="${bottom + 2}" width="${round(Math.max(1.2, x(firstEpoch + epochs) - x(firstEpoch)))}" height="${SNORING_HEIGHT}" ${paint.fill('snoring')}/>`,
      ),
    ...(change
      ? [
          `<path d="M${x(change.epoch)} ${top - 4}V${bottom + SNORING_HEIGHT + 2}" ${paint.stroke('line')} stroke-dasharray="3 3"/>`,
        ]
      : []),
  ]
}

/** The colours and their stages, from the top row to the bottom one. */
function keyElements(
  { paint, text, width, isNarrow }: Canvas,
  { days }: Days,
  margin: number,
  top: number,
): { elements: string[]; height: number } {
  const marks = legend(days.flatMap(({ sessions }) => sessions))
  const entries = [...ROWS, { stage: 'snoring' as const, label: 'Snoring' }]
  let at = margin
  const elements = entries.flatMap(({ stage, label }) => {
    const [square, labelAt] = [at, at + 15]
    at = labelAt + textWidth(label, 12) + 12
    return [
      `<rect x="${round(square)}" y="${top}" width="10" height="10" rx="2" ${paint.fill(stage)}/>`,
      text(round(labelAt), top + 9, label, { size: 12, colour: 'muted' }),
    ]
  })
  if (!marks) return { elements, height: 16 }
  const hasRoom = !isNarrow && at + textWidth(marks, 12) < width - margin
  const place = hasRoom
    ? text(width - margin, top + 9, marks, { size: 12, colour: 'muted', anchor: 'end' })
    : text(margin, top + 27, marks, { size: 12, colour: 'muted' })
  return { elements: [...elements, place], height: hasRoom ? 16 : 34 }
}

function footerOf({ userId }: Days, common: string[], ids: boolean): string {
  return [...(ids ? [`User ${userId}`] : []), ...common.map((each) => `all sessions: ${inWords(each)}`)].join(
    ' · ',
  )
}
