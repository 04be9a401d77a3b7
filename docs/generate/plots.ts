import { drawBars } from './charts/bars.ts'
import type { Series } from './charts/frame.ts'
import { drawDays, drawScatter, type Points } from './charts/points.ts'
import { clock, drawRanges } from './charts/ranges.ts'
import { drawStages } from './charts/stages.ts'

export type Row = Record<string, string | null>

/** Draws the result of a query. */
export type Plot = (rows: Row[]) => string

const number = (value: string | null | undefined) => (value == null ? null : Number(value))
const known = (value: string | null | undefined) => Number(value ?? Number.NaN)
const day = (date: string | null | undefined) => Date.parse(`${date}T00:00:00Z`)
const COLOURS = ['deep', 'wake', 'rem'] as const

/** Minutes from midnight of a time of day; after noon it belongs to the evening before. */
function minutes(time: string | null | undefined): number {
  const [hour = 0, minute = 0] = (time ?? '').split(':').map(Number)
  return hour * 60 + minute - (hour >= 12 ? 1440 : 0)
}

/** The values of a column in the order of their first rows. */
const distinct = (rows: Row[], column: string) => [...new Set(rows.map((row) => row[column] ?? ''))]

const persons = (rows: Row[]): Series[] =>
  distinct(rows, 'person').map((name, at) => ({ name, colour: COLOURS[at % COLOURS.length] ?? 'text' }))

const ofPerson = (rows: Row[], name: string) => rows.filter(({ person }) => person === name)

/** Every plot of the cookbook, by the name of its file. */
export const plots: Record<string, Plot> = {
  nights: (rows) =>
    drawRanges(
      {
        name: 'nights',
        title: 'Nights of one person',
        note: 'From bedtime to waking, local time; one bar for each night',
      },
      rows.map(({ local_date, to_bed, woke }) => ({
        ...{ label: local_date ?? '', from: minutes(to_bed), to: minutes(woke) },
      })),
      { rowHeight: 11, left: 96, format: clock, step: 60, isLabelled: (_, at) => at % 4 === 0 },
    ),
  hypnogram: ([row]) =>
    drawStages(
      { name: 'hypnogram', title: 'Hypnogram', note: 'Stages of the last night, UTC' },
      JSON.parse(row?.hypnogram ?? '[]'),
    ),
  thirds: (rows) =>
    drawBars(
      { name: 'thirds', title: 'Stages by third of the night', note: 'Mean minutes' },
      [
        { name: 'deep', colour: 'deep' },
        { name: 'REM', colour: 'rem' },
        { name: 'light', colour: 'light' },
      ],
      rows.map(({ third, deep_min, rem_min, light_min }) => ({
        label: `third ${third}`,
        values: [deep_min, rem_min, light_min].map(known),
      })),
      'minutes',
      'stacked',
    ),
  weekdays: (rows) =>
    drawRanges(
      {
        name: 'weekdays',
        title: 'Sleep by day of waking',
        note: 'From mean bedtime to mean waking, local time',
      },
      rows.map(({ woke_on, to_bed, woke }) => ({
        ...{ label: woke_on ?? '', from: minutes(to_bed), to: minutes(woke) },
      })),
      { rowHeight: 26, left: 56, format: clock, step: 60 },
    ),
  'social-jet-lag': (rows) =>
    drawRanges(
      {
        name: 'social-jet-lag',
        title: 'Social jet lag',
        note: 'From the mean midpoint on work days to that on free days, local time',
      },
      rows.map(({ person, work_days, free_days }) => ({
        ...{ label: person ?? '', from: minutes(work_days), to: minutes(free_days) },
      })),
      { rowHeight: 30, left: 56, format: clock, step: 30 },
    ),
  rolling: (rows) =>
    drawDays(
      { name: 'rolling', title: 'Sleep of one person', note: 'Hours asleep, and the mean of seven days' },
      [
        {
          ...{ name: 'night', colour: 'light', marks: true },
          points: rows.map(({ local_date, asleep_h }) => [day(local_date), number(asleep_h)]),
        },
        {
          ...{ name: '7 days', colour: 'text', line: true },
          points: rows.map(({ local_date, mean_h }) => [day(local_date), number(mean_h)]),
        },
      ],
      'hours',
    ),
  'sleep-debt': (rows) =>
    drawBars(
      { name: 'sleep-debt', title: 'Sleep debt', note: 'Hours below the goal, by week' },
      persons(rows),
      distinct(rows, 'week').map((week) => ({
        label: week,
        values: distinct(rows, 'person').map((name) =>
          known(ofPerson(rows, name).find((row) => row.week === week)?.debt_h),
        ),
      })),
      'hours',
      'beside',
    ),
  snoring: (rows) =>
    drawDays(
      { name: 'snoring', title: 'Snoring', note: 'Percent of the sleep period, by week' },
      persons(rows).map((series) => ({
        ...{ ...series, line: true, marks: true },
        points: ofPerson(rows, series.name).map((row) => [day(row.week), number(row.snoring_percent)]),
      })),
      'percent',
    ),
  weight: (rows) =>
    drawDays(
      { name: 'weight', title: 'Weight', note: 'Kilograms, and the regression line of each person' },
      persons(rows).flatMap((series): Points[] => [
        {
          ...{ ...series, marks: true },
          points: ofPerson(rows, series.name).map((row) => [day(row.local_date), number(row.weight_kg)]),
        },
      ]),
      'kg',
      persons(rows).map((series) => ({
        ...{ ...series, line: 'dashed' },
        points: ofPerson(rows, series.name).map((row) => [day(row.local_date), number(row.trend_kg)]),
      })),
    ),
  readiness: (rows) =>
    drawScatter(
      { name: 'readiness', title: 'Deep sleep and readiness', note: 'Readiness of the day after the night' },
      persons(rows).map((series) => ({
        ...{ ...series, marks: true },
        points: ofPerson(rows, series.name).map((row) => [known(row.deep_min), number(row.readiness)]),
      })),
      'min',
      persons(rows)
        .map(
          ({ name }) =>
            `${name}: ${ofPerson(rows, name).length} nights, correlation ${ofPerson(rows, name)[0]?.correlation}.`,
        )
        .join(' '),
    ),
  hrv: (rows) =>
    drawRanges(
      {
        name: 'hrv',
        title: 'HRV after late exercise',
        note: 'Mean RMSSD in ms, plus and minus one standard error',
      },
      rows.map(({ person, exercised_late, hrv_ms, error_ms }) => ({
        label: `${person} ${exercised_late === 't' ? 'after exercise' : 'other days'}`,
        from: known(hrv_ms) - known(error_ms),
        to: known(hrv_ms) + known(error_ms),
        mark: known(hrv_ms),
        colour: exercised_late === 't' ? 'wake' : 'light',
      })),
      { rowHeight: 22, left: 150, format: (value) => String(Math.round(value * 10) / 10), step: 2 },
    ),
}
