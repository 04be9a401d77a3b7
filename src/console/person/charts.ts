import { type Html, html, raw } from '../html.ts'

/** The columns of `user_days` that have a chart. */
const CHARTS = [
  ['asleep_minutes', 'Asleep', 'min', 0],
  ['deep_minutes', 'Deep sleep', 'min', 0],
  ['rem_minutes', 'REM sleep', 'min', 0],
  ['sleep_efficiency', 'Sleep efficiency', '', 2],
  ['sleep_score', 'Sleep score', '', 2],
  ['activity_score', 'Activity score', '', 2],
  ['readiness_score', 'Readiness score', '', 2],
  ['wellbeing_score', 'Wellbeing score', '', 2],
  ['mental_wellbeing_score', 'Mental wellbeing score', '', 2],
  ['steps', 'Steps', '', 0],
  ['active_hours', 'Active hours', 'h', 1],
  ['active_energy_kcal', 'Active energy', 'kcal', 0],
  ['resting_heart_rate_bpm', 'Resting heart rate', 'bpm', 0],
  ['sleep_heart_rate_bpm', 'Heart rate asleep', 'bpm', 0],
  ['hrv_rmssd_ms', 'HRV (RMSSD)', 'ms', 0],
  ['hrv_sdnn_ms', 'HRV (SDNN)', 'ms', 0],
  ['respiratory_rate_bpm', 'Respiratory rate', 'per min', 1],
  ['oxygen_saturation_percent', 'Oxygen saturation', '%', 1],
  ['vo2_max', 'VO₂ max', 'ml/kg/min', 1],
  ['weight_kg', 'Weight', 'kg', 1],
  ['systolic_mmhg', 'Systolic pressure', 'mmHg', 0],
  ['diastolic_mmhg', 'Diastolic pressure', 'mmHg', 0],
] as const

const formatOf = (digits: number) =>
  new Intl.NumberFormat('en-GB', { maximumFractionDigits: digits, minimumFractionDigits: digits })
const numberFormats = { 0: formatOf(0), 1: formatOf(1), 2: formatOf(2) }

type Day = Readonly<Record<string, unknown>> & { readonly date: string }

const WIDTH = 220
const HEIGHT = 64
const INSET = 4
const DAY = 86_400_000

/** A chart of each column that has a value, all over the same days. */
export function chartsOf(days: readonly Day[]): Html[] {
  const [first, last] = [days[0]?.date, days.at(-1)?.date]
  if (first === undefined || last === undefined) return []
  const [from, to] = [Date.parse(first), Date.parse(last)]
  return CHARTS.flatMap(([column, name, unit, digits]) => {
    const points = days.flatMap((day) => {
      const value = day[column]
      return typeof value === 'number' ? [{ at: Date.parse(day.date), value }] : []
    })
    return points.length === 0 ? [] : [chartOf({ name, unit, digits, points, from, to })]
  })
}

interface Chart {
  readonly name: string
  readonly unit: string
  readonly digits: keyof typeof numberFormats
  readonly points: ReadonlyArray<{ readonly at: number; readonly value: number }>
  readonly from: number
  readonly to: number
}

function chartOf({ name, unit, digits, points, from, to }: Chart): Html {
  const values = points.map(({ value }) => value)
  const [least, most] = [Math.min(...values), Math.max(...values)]
  const x = (at: number) => INSET + ((at - from) / Math.max(DAY, to - from)) * (WIDTH - 2 * INSET)
  const y = (value: number) => HEIGHT - INSET - ((value - least) / (most - least || 1)) * (HEIGHT - 2 * INSET)
  const place = ({ at, value }: { at: number; value: number }) => `${x(at).toFixed(1)} ${y(value).toFixed(1)}`
  // A line joins days that follow each other, so that a gap is seen.
  const line = points.map((point, nth) => {
    const before = points[nth - 1]
    return `${before && point.at - before.at <= DAY ? 'L' : 'M'}${place(point)}`
  })
  const dots = points.map((point) => {
    const [cx, cy] = place(point).split(' ')
    return `<circle cx="${cx}" cy="${cy}" r="1.6"/>`
  })
  const write = (value: number) => numberFormats[digits].format(value)
  const latest = points.at(-1)?.value ?? 0
  const label = `${name}: ${write(latest)} ${unit} on the last day with a value; from ${write(least)} to ${write(most)} on ${points.length} days`
  return html`<figure class="chart"><figcaption>${name} <strong>${write(latest)}</strong> ${unit}</figcaption>
${raw(`<svg role="img" aria-label="${label}" viewBox="0 0 ${WIDTH} ${HEIGHT}"><path d="${line.join('')}"/>${dots.join('')}</svg>`)}
<p class="muted">${write(least)} to ${write(most)}</p></figure>`
}
