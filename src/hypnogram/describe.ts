import { type Days, EPOCHS_PER_HOUR, type Hypnogram, type Night, type StageRun } from './hypnogram.ts'
import { shortDate } from './labels.ts'
import { inWords } from './peculiarities.ts'

/** The session in sentences, to be read aloud in place of the picture. */
export function describe(hypnogram: Hypnogram): string {
  const { night, sleep } = hypnogram
  return [
    ...(night ? figures(night) : []),
    ...recorded(hypnogram),
    ...(sleep.length === 0 ? ['No sleep stages were sent.'] : []),
    ...stagesSoFar(hypnogram),
    ...missing(hypnogram),
    ...(night?.clockChange
      ? [
          `During the session the clocks go ${night.clockChange.minutes < 0 ? 'back' : 'forward'} by ${spoken(Math.abs(night.clockChange.minutes))}.`,
        ]
      : []),
    ...(night?.peculiarities ?? []).map((peculiarity) => sentence(inWords(peculiarity))),
  ].join(' ')
}

/** Several days in sentences: one for each day, then the peculiarities that all sessions have in common. */
export function describeDays({ days }: Days, common: string[]): string {
  return [
    ...days.map(({ date, sessions }) => {
      if (sessions.length === 0) return `${shortDate(date)}: no session.`
      return `${shortDate(date)}: ${sessions.map((session) => inShort(session, common)).join('; ')}.`
    }),
    ...common.map((peculiarity) => `All sessions: ${inWords(peculiarity)}.`),
  ].join(' ')
}

function inShort({ night, sleep }: Hypnogram, common: string[]): string {
  const asleep = night?.minutes.asleep ?? null
  const times = night?.bedTime ? ` from ${night.bedTime} to ${night.endTime ?? 'an unknown time'}` : ''
  return [
    `${night?.isNap ? 'nap' : 'night'}${times}`,
    ...(asleep === null ? [] : [`${spoken(asleep)} asleep`]),
    ...(sleep.length === 0 ? ['no sleep stages were sent'] : []),
    ...(sleep.some(({ provisional }) => provisional) ? ['provisional'] : []),
    ...(night?.peculiarities ?? []).filter((each) => !common.includes(each)).map(inWords),
  ].join(', ')
}

/** How long it was recorded, if the vendor sent no figures. */
function recorded({ night }: Hypnogram): string[] {
  if (!night || night.recordedMinutes === null || night.minutes.inBed !== null) return []
  return [`Recorded for ${spoken(night.recordedMinutes)}.`]
}

function figures({ minutes, wakeUps, efficiency }: Night): string[] {
  const { inBed, asleep, latency, light, deep, rem, waso, longestWaso, snoring } = minutes
  const stages = [
    ['light sleep', light],
    ['deep sleep', deep],
    ['REM sleep', rem],
  ] as const
  const known = stages.flatMap(([name, value]) => (value === null ? [] : [`${spoken(value)} of ${name}`]))
  return [
    ...(inBed === null
      ? []
      : [`${spoken(inBed)} in bed${asleep === null ? '' : `, ${spoken(asleep)} asleep`}.`]),
    ...(inBed === null && asleep !== null ? [`${spoken(asleep)} asleep.`] : []),
    ...(known.length > 0 && asleep !== 0 ? [`${known.join(', ')}.`] : []),
    ...(latency === null ? [] : [`Fell asleep after ${spoken(latency)}.`]),
    ...(wakeUps === null ? [] : [awakenings(wakeUps, waso, longestWaso)]),
    ...(efficiency === null ? [] : [`Sleep efficiency ${Math.round(efficiency * 100)} percent.`]),
    ...(snoring === null ? [] : [snoring === 0 ? 'No snoring.' : `Snoring for ${spoken(snoring)}.`]),
  ]
}

function awakenings(count: number, waso: number | null, longest: number | null): string {
  if (count === 0) return 'No wake-ups.'
  const time = waso === null ? '' : `, ${spoken(waso)} awake`
  const most = longest === null || count === 1 ? '' : `, at most ${spoken(longest)} at once`
  return `${count === 1 ? 'One wake-up' : `${count} wake-ups`}${time}${most}.`
}

/** For provisional stages, which no figures of the vendor describe. */
function stagesSoFar({ sleep, night }: Hypnogram): string[] {
  const provisional = sleep.filter((run) => run.provisional)
  if (provisional.length === 0) return []
  const total = (stage: string) => minutesOf(provisional.filter((run) => run.stage === stage))
  const stages = ['wake', 'light', 'deep', 'rem']
    .filter((stage) => total(stage) > 0)
    .map(
      (stage) =>
        `${spoken(total(stage))} ${stage === 'wake' ? 'awake' : `of ${stage === 'rem' ? 'REM' : stage} sleep`}`,
    )
  return [
    `${spoken(minutesOf(provisional))} ${night ? 'are' : 'so far are'} provisional${stages.length > 0 ? `: ${stages.join(', ')}` : ''}.`,
  ]
}

function missing({ sleep, length }: Hypnogram): string[] {
  if (sleep.length === 0) return []
  const known = sleep.filter(({ stage }) => stage !== 'no_data')
  const minutes = ((length - known.reduce((sum, { epochs }) => sum + epochs, 0)) / EPOCHS_PER_HOUR) * 60
  return minutes > 0 ? [`No data for ${spoken(minutes)}.`] : []
}

const minutesOf = (runs: StageRun[]) =>
  (runs.reduce((sum, { epochs }) => sum + epochs, 0) / EPOCHS_PER_HOUR) * 60

const sentence = (words: string) => `${words.charAt(0).toUpperCase()}${words.slice(1)}.`

/** Minutes as they are read aloud: `7 hours 5 minutes`. */
function spoken(minutes: number): string {
  if (minutes > 0 && minutes < 1) return `${Math.round(minutes * 60)} seconds`
  const whole = Math.round(minutes)
  const [hours, rest] = [Math.floor(whole / 60), whole % 60]
  const plural = (count: number, unit: string) => `${count} ${unit}${count === 1 ? '' : 's'}`
  if (hours === 0) return plural(rest, 'minute')
  return rest === 0 ? plural(hours, 'hour') : `${plural(hours, 'hour')} ${plural(rest, 'minute')}`
}
