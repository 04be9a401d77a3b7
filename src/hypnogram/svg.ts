import type { Hypnogram, StageRun } from './hypnogram.ts'
import { duration, heading, timeRange } from './labels.ts'

const WIDTH = 1000
const LEFT = 88
const RIGHT = 28
const PLOT_TOP = 104
const ROW_HEIGHT = 50
const BAR_HEIGHT = 20
/** One row of the drawing for each stage, from the top. */
const ROWS = [
  { stage: 'wake', label: 'Wake', colour: '#f2a33a' },
  { stage: 'rem', label: 'REM', colour: '#b07ae0' },
  { stage: 'light', label: 'Light', colour: '#5aa9e6' },
  { stage: 'deep', label: 'Deep', colour: '#2b4c9b' },
] as const
const SNORING_COLOUR = '#d9606a'
const TEXT_COLOUR = '#1f2a3d'
const MUTED_COLOUR = '#66728a'
const PLOT_BOTTOM = PLOT_TOP + ROWS.length * ROW_HEIGHT
const SNORING_TOP = PLOT_BOTTOM + 14
const AXIS = SNORING_TOP + 26
const HEIGHT = AXIS + 74

/** Draws a hypnogram as an SVG document, with snoring and a time axis. */
export function drawSvg(hypnogram: Hypnogram): string {
  const { length, sleep, snoring, ticks } = hypnogram
  const scale = (WIDTH - LEFT - RIGHT) / Math.max(1, length)
  const x = (epoch: number) => round(LEFT + epoch * scale)
  const widthOf = (run: StageRun) => round(Math.max(1.2, run.epochs * scale))
  const rectangle = (run: StageRun, top: number, height: number, fill: string, attributes = '') =>
    `<rect x="${x(run.firstEpoch)}" y="${top}" width="${widthOf(run)}" height="${height}" fill="${fill}"${attributes}/>`

  const opacity = (run: StageRun) => (run.provisional ? ' opacity="0.6"' : '')
  const bars = sleep.flatMap((run) => {
    const row = rowOf(run)
    if (row < 0) return []
    const cornerRadius = ` rx="${Math.min(3, run.epochs * scale * 0.4).toFixed(1)}"`
    return [
      rectangle(
        run,
        middleOf(row) - BAR_HEIGHT / 2,
        BAR_HEIGHT,
        ROWS[row]?.colour ?? '',
        `${cornerRadius}${opacity(run)}`,
      ),
    ]
  })
  const connectors = sleep.flatMap((run, at) => {
    const [from, to] = [rowOf(sleep[at - 1]), rowOf(run)]
    if (from < 0 || to < 0 || isGapBetween(sleep[at - 1], run)) return []
    return [`<path d="M${x(run.firstEpoch)} ${middleOf(from)}V${middleOf(to)}"/>`]
  })
  const unknownRuns = [...sleep.filter(({ stage }) => stage === 'no_data'), ...gaps(sleep)]
  const provisionalRuns = merged(sleep.filter((run) => run.provisional))
  const snoringRuns = snoring.filter(({ stage }) => stage === 'snoring')

  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="Inter, 'Helvetica Neue', Helvetica, Arial, 'DejaVu Sans', sans-serif" role="img">`,
    `<title>${escapeXml(`${heading(hypnogram)}, ${timeRange(hypnogram)}`)}</title>`,
    '<defs>',
    '<pattern id="unknown" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="7" height="7" fill="#f3f4f7"/><path d="M0 0V7" stroke="#ccd2dc" stroke-width="2"/></pattern>',
    '<pattern id="provisional" width="9" height="9" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="9" height="9" fill="#fff8e8"/><path d="M0 0V9" stroke="#f6e3b4" stroke-width="3"/></pattern>',
    '</defs>',
    `<rect width="${WIDTH}" height="${HEIGHT}" rx="14" fill="#ffffff"/>`,
    text(LEFT - 60, 46, heading(hypnogram), { size: 20, weight: 600 }),
    text(LEFT - 60, 72, timeRange(hypnogram), { size: 14, fill: MUTED_COLOUR }),
    ...figures(hypnogram),
    ...provisionalRuns.map((run) => rectangle(run, PLOT_TOP, PLOT_BOTTOM - PLOT_TOP, 'url(#provisional)')),
    text(WIDTH - RIGHT, PLOT_TOP - 10, legend(provisionalRuns.length > 0, unknownRuns.length > 0), {
      size: 12,
      fill: MUTED_COLOUR,
      anchor: 'end',
    }),
    ...unknownRuns.map((run) => rectangle(run, PLOT_TOP, PLOT_BOTTOM - PLOT_TOP, 'url(#unknown)')),
    ...ROWS.flatMap(({ label }, row) => [
      `<path d="M${LEFT} ${middleOf(row)}H${WIDTH - RIGHT}" stroke="#e6e9ef"/>`,
      text(LEFT - 14, middleOf(row) + 5, label, { size: 14, anchor: 'end' }),
    ]),
    ...ticks.map(({ epoch }) => `<path d="M${x(epoch)} ${PLOT_TOP}V${AXIS}" stroke="#eef0f4"/>`),
    `<g stroke="#b9c1cf" stroke-width="1.2" fill="none">${connectors.join('')}</g>`,
    ...bars,
    text(LEFT - 14, SNORING_TOP + 12, 'Snoring', { size: 12, fill: MUTED_COLOUR, anchor: 'end' }),
    `<rect x="${LEFT}" y="${SNORING_TOP}" width="${WIDTH - LEFT - RIGHT}" height="16" rx="3" fill="#f7f8fa"/>`,
    ...(snoring.length === 0
      ? [text(LEFT + 8, SNORING_TOP + 12, 'no data', { size: 11, fill: MUTED_COLOUR })]
      : []),
    ...snoringRuns.map((run) => rectangle(run, SNORING_TOP, 16, SNORING_COLOUR, opacity(run))),
    `<path d="M${LEFT} ${AXIS}H${WIDTH - RIGHT}" stroke="${MUTED_COLOUR}"/>`,
    ...ticks.flatMap(({ epoch, label }) => [
      `<path d="M${x(epoch)} ${AXIS}v5" stroke="${MUTED_COLOUR}"/>`,
      text(x(epoch), AXIS + 21, label, { size: 13, fill: MUTED_COLOUR, anchor: 'middle' }),
    ]),
    text(LEFT - 60, HEIGHT - 18, footer(hypnogram), { size: 11, fill: '#8b95a7' }),
    '</svg>',
  ].join('\n')}\n`
}

/** The most important durations, in the top right corner. */
function figures({ night }: Hypnogram): string[] {
  if (!night) return []
  const { asleep, deep, rem, waso } = night.minutes
  const all: Array<[name: string, value: string | null, colour: string]> = [
    ['Asleep', asleep === null ? null : duration(asleep), TEXT_COLOUR],
    ['Efficiency', night.efficiency === null ? null : `${Math.round(night.efficiency * 100)} %`, TEXT_COLOUR],
    ['Deep', deep === null ? null : duration(deep), ROWS[3].colour],
    ['REM', rem === null ? null : duration(rem), ROWS[1].colour],
    ['WASO', waso === null ? null : duration(waso), '#c47a12'],
  ]
  const known = all.filter(([, value]) => value !== null)
  return known.flatMap(([name, value, colour], at) => {
    const right = WIDTH - RIGHT - (known.length - 1 - at) * 112
    return [
      text(right, 46, value ?? '', { size: 16, weight: 600, fill: colour, anchor: 'end' }),
      text(right, 66, name, { size: 12, fill: MUTED_COLOUR, anchor: 'end' }),
    ]
  })
}

function legend(hasProvisional: boolean, hasUnknown: boolean): string {
  return [...(hasProvisional ? ['yellow: provisional'] : []), ...(hasUnknown ? ['grey: no data'] : [])].join(
    ', ',
  )
}

function footer({ userId, sessionId, night, sleep }: Hypnogram): string {
  const remarks = [...(night?.peculiarities ?? []), ...(sleep.length === 0 ? ['no stages'] : [])]
  return [`User ${userId}`, `session ${sessionId}`, ...remarks].join(' · ')
}

const middleOf = (row: number) => PLOT_TOP + row * ROW_HEIGHT + ROW_HEIGHT / 2
const rowOf = (run: StageRun | undefined) => ROWS.findIndex(({ stage }) => stage === run?.stage)
const isGapBetween = (before: StageRun | undefined, run: StageRun) =>
  !before || before.firstEpoch + before.epochs < run.firstEpoch
const round = (value: number) => Math.round(value * 100) / 100

/** The epochs before and between the runs, for which no stage was sent. */
function gaps(runs: StageRun[]): StageRun[] {
  return runs.flatMap((run, at) => {
    const before = runs[at - 1]
    const firstEpoch = before ? before.firstEpoch + before.epochs : 0
    const epochs = run.firstEpoch - firstEpoch
    return epochs > 0 ? [{ ...run, firstEpoch, epochs }] : []
  })
}

/** Joins adjacent runs, whatever their stages. */
function merged(runs: StageRun[]): StageRun[] {
  const joined: StageRun[] = []
  for (const run of runs) {
    const last = joined.at(-1)
    if (last && last.firstEpoch + last.epochs === run.firstEpoch) {
      joined[joined.length - 1] = { ...last, epochs: last.epochs + run.epochs }
    } else joined.push(run)
  }
  return joined
}

interface TextStyle {
  size: number
  fill?: string
  weight?: number
  anchor?: 'middle' | 'end'
}

function text(
  x: number,
  y: number,
  content: string,
  { size, fill = TEXT_COLOUR, weight, anchor }: TextStyle,
): string {
  const attributes = `${weight ? ` font-weight="${weight}"` : ''}${anchor ? ` text-anchor="${anchor}"` : ''}`
  return `<text x="${x}" y="${y}" font-size="${size}" fill="${fill}"${attributes}>${escapeXml(content)}</text>`
}

/** Ids and time zones come from the vendor. They may contain markup and characters that XML does not allow. */
function escapeXml(content: string): string {
  return content
    .replace(/[\p{Cc}\p{Cs}\ufffe\uffff]/gu, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
}
