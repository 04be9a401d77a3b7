import { duration, type Hypnogram, heading, type Run, timeRange } from './hypnogram.ts'

const WIDTH = 1000
const LEFT = 88
const RIGHT = 28
const PLOT_TOP = 104
const LANE = 50
const BAR = 20
const LANES = [
  { stage: 'wake', label: 'Wake', colour: '#f2a33a' },
  { stage: 'rem', label: 'REM', colour: '#b07ae0' },
  { stage: 'light', label: 'Light', colour: '#5aa9e6' },
  { stage: 'deep', label: 'Deep', colour: '#2b4c9b' },
] as const
const SNORING = '#d9606a'
const INK = '#1f2a3d'
const MUTED = '#66728a'
const PLOT_BOTTOM = PLOT_TOP + LANES.length * LANE
const SNORING_TOP = PLOT_BOTTOM + 14
const AXIS = SNORING_TOP + 26
const HEIGHT = AXIS + 74

/** The hypnogram as an SVG document: stages, snoring and local time. */
export function drawSvg(hypnogram: Hypnogram): string {
  const { length, sleep, snoring, ticks } = hypnogram
  const scale = (WIDTH - LEFT - RIGHT) / Math.max(1, length)
  const x = (epoch: number) => round(LEFT + epoch * scale)
  const width = (run: Run) => round(Math.max(1.2, run.epochs * scale))
  const span = (run: Run, top: number, height: number, fill: string, rest = '') =>
    `<rect x="${x(run.first)}" y="${top}" width="${width(run)}" height="${height}" fill="${fill}"${rest}/>`

  const dim = (run: Run) => (run.provisional ? ' opacity="0.6"' : '')
  const bars = sleep.flatMap((run) => {
    const lane = LANES.findIndex(({ stage }) => stage === run.stage)
    if (lane < 0) return []
    const rounding = ` rx="${Math.min(3, run.epochs * scale * 0.4).toFixed(1)}"`
    return [span(run, middle(lane) - BAR / 2, BAR, LANES[lane]?.colour ?? '', `${rounding}${dim(run)}`)]
  })
  const links = sleep.flatMap((run, at) => {
    const [from, to] = [laneOf(sleep[at - 1]), laneOf(run)]
    if (from < 0 || to < 0 || isGap(sleep[at - 1], run)) return []
    return [`<path d="M${x(run.first)} ${middle(from)}V${middle(to)}"/>`]
  })
  const unknown = [...sleep.filter(({ stage }) => stage === 'no_data'), ...gaps(sleep)]
  const provisional = merged(sleep.filter((run) => run.provisional))
  const snores = snoring.filter(({ stage }) => stage === 'snoring')

  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="Inter, 'Helvetica Neue', Helvetica, Arial, 'DejaVu Sans', sans-serif" role="img">`,
    `<title>${xml(`${heading(hypnogram)}, ${timeRange(hypnogram)}`)}</title>`,
    '<defs>',
    '<pattern id="unknown" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="7" height="7" fill="#f3f4f7"/><path d="M0 0V7" stroke="#ccd2dc" stroke-width="2"/></pattern>',
    '<pattern id="provisional" width="9" height="9" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="9" height="9" fill="#fff8e8"/><path d="M0 0V9" stroke="#f6e3b4" stroke-width="3"/></pattern>',
    '</defs>',
    `<rect width="${WIDTH}" height="${HEIGHT}" rx="14" fill="#ffffff"/>`,
    text(LEFT - 60, 46, heading(hypnogram), { size: 20, weight: 600 }),
    text(LEFT - 60, 72, timeRange(hypnogram), { size: 14, fill: MUTED }),
    ...figures(hypnogram),
    ...provisional.map((run) => span(run, PLOT_TOP, PLOT_BOTTOM - PLOT_TOP, 'url(#provisional)')),
    text(WIDTH - RIGHT, PLOT_TOP - 10, legend(provisional, unknown), {
      size: 12,
      fill: MUTED,
      anchor: 'end',
    }),
    ...unknown.map((run) => span(run, PLOT_TOP, PLOT_BOTTOM - PLOT_TOP, 'url(#unknown)')),
    ...LANES.flatMap(({ label }, lane) => [
      `<path d="M${LEFT} ${middle(lane)}H${WIDTH - RIGHT}" stroke="#e6e9ef"/>`,
      text(LEFT - 14, middle(lane) + 5, label, { size: 14, anchor: 'end' }),
    ]),
    ...ticks.map(({ epoch }) => `<path d="M${x(epoch)} ${PLOT_TOP}V${AXIS}" stroke="#eef0f4"/>`),
    `<g stroke="#b9c1cf" stroke-width="1.2" fill="none">${links.join('')}</g>`,
    ...bars,
    text(LEFT - 14, SNORING_TOP + 12, 'Snoring', { size: 12, fill: MUTED, anchor: 'end' }),
    `<rect x="${LEFT}" y="${SNORING_TOP}" width="${WIDTH - LEFT - RIGHT}" height="16" rx="3" fill="#f7f8fa"/>`,
    ...(snoring.length === 0 ? [text(LEFT + 8, SNORING_TOP + 12, 'no data', { size: 11, fill: MUTED })] : []),
    ...snores.map((run) => span(run, SNORING_TOP, 16, SNORING, dim(run))),
    `<path d="M${LEFT} ${AXIS}H${WIDTH - RIGHT}" stroke="${MUTED}"/>`,
    ...ticks.flatMap(({ epoch, label }) => [
      `<path d="M${x(epoch)} ${AXIS}v5" stroke="${MUTED}"/>`,
      text(x(epoch), AXIS + 21, label, { size: 13, fill: MUTED, anchor: 'middle' }),
    ]),
    text(LEFT - 60, HEIGHT - 18, footer(hypnogram), { size: 11, fill: '#8b95a7' }),
    '</svg>',
  ].join('\n')}\n`
}

/** The figures that a reader looks for first, in the top right. */
function figures({ night }: Hypnogram): string[] {
  if (!night) return []
  const { asleep, deep, rem, waso } = night.minutes
  const named: Array<[string, string | null, string]> = [
    ['Asleep', asleep === null ? null : duration(asleep), INK],
    ['Efficiency', night.efficiency === null ? null : `${Math.round(night.efficiency * 100)} %`, INK],
    ['Deep', deep === null ? null : duration(deep), LANES[3].colour],
    ['REM', rem === null ? null : duration(rem), LANES[1].colour],
    ['WASO', waso === null ? null : duration(waso), '#c47a12'],
  ]
  const known = named.filter(([, value]) => value !== null)
  return known.flatMap(([name, value], at) => {
    const right = WIDTH - RIGHT - (known.length - 1 - at) * 112
    return [
      text(right, 46, value ?? '', { size: 16, weight: 600, fill: named[at]?.[2] ?? INK, anchor: 'end' }),
      text(right, 66, name, { size: 12, fill: MUTED, anchor: 'end' }),
    ]
  })
}

function legend(provisional: Run[], unknown: Run[]): string {
  return [
    ...(provisional.length > 0 ? ['yellow: provisional'] : []),
    ...(unknown.length > 0 ? ['grey: no data'] : []),
  ].join(', ')
}

function footer({ userId, sessionId, night, sleep }: Hypnogram): string {
  const remarks = [...(night?.peculiarities ?? []), ...(sleep.length === 0 ? ['no stages'] : [])]
  return [`User ${userId}`, `session ${sessionId}`, ...remarks].join(' · ')
}

const middle = (lane: number) => PLOT_TOP + lane * LANE + LANE / 2
const laneOf = (run: Run | undefined) => LANES.findIndex(({ stage }) => stage === run?.stage)
const isGap = (before: Run | undefined, run: Run) => !before || before.first + before.epochs < run.first
const round = (value: number) => Math.round(value * 100) / 100

/** The stretches between runs that no array covers. */
function gaps(runs: Run[]): Run[] {
  return runs.flatMap((run, at) => {
    const before = runs[at - 1]
    const first = before ? before.first + before.epochs : 0
    return first < run.first ? [{ ...run, first, epochs: run.first - first }] : []
  })
}

/** Runs that touch, as one. */
function merged(runs: Run[]): Run[] {
  const whole: Run[] = []
  for (const run of runs) {
    const last = whole.at(-1)
    if (last && last.first + last.epochs === run.first) {
      whole[whole.length - 1] = { ...last, epochs: last.epochs + run.epochs }
    } else whole.push(run)
  }
  return whole
}

interface Style {
  size: number
  fill?: string
  weight?: number
  anchor?: 'middle' | 'end'
}

function text(x: number, y: number, content: string, { size, fill = INK, weight, anchor }: Style): string {
  const rest = `${weight ? ` font-weight="${weight}"` : ''}${anchor ? ` text-anchor="${anchor}"` : ''}`
  return `<text x="${x}" y="${y}" font-size="${size}" fill="${fill}"${rest}>${xml(content)}</text>`
}

/** Ids are the vendor's: nothing in them may become markup, or a character that XML has no place for. */
function xml(content: string): string {
  return content
    .replace(/[\p{Cc}\p{Cs}\ufffe\uffff]/gu, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
}
