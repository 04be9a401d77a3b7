export const EPOCHS_PER_HOUR = 120

/** Consecutive epochs of one stage. */
export interface StageRun {
  /** Index of the first epoch. */
  readonly firstEpoch: number
  readonly epochs: number
  readonly stage: string
  /** Whether it comes from INFERENCE_COMPLETE, before the session is complete. */
  readonly provisional: boolean
}

/** What is drawn of a sleep session. Positions are 30-second epochs from the start of the session. */
export interface Hypnogram {
  readonly userId: string
  readonly sessionId: string
  /** Number of epochs: of the longest series, or of the whole recording if that is longer. */
  readonly length: number
  readonly sleep: StageRun[]
  readonly snoring: StageRun[]
  /** Labels of the time axis. */
  readonly ticks: Array<{ epoch: number; label: string }>
  /** Absent until SESSION_COMPLETE is stored. */
  readonly night?: Night
}

/** The figures of SESSION_COMPLETE: local times as `HH:MM`, durations in minutes; null if the vendor sent none. */
export interface Night {
  /** Local date of waking. */
  readonly date: string | null
  readonly bedTime: string | null
  readonly endTime: string | null
  readonly timeZone: string
  readonly timeZoneKnown: boolean
  /** Whether it is sleep in the daytime: at most 4 hours, which start and end on one local day after 8 o'clock. */
  readonly isNap: boolean
  readonly efficiency: number | null
  readonly minutes: {
    readonly [name in
      | 'inBed'
      | 'asleep'
      | 'light'
      | 'deep'
      | 'rem'
      | 'waso'
      | 'longestWaso'
      | 'latency'
      | 'snoring']: number | null
  }
  /** From the start to the end; null while the session has no end. */
  readonly recordedMinutes: number | null
  /** Awakenings after sleep onset. */
  readonly wakeUps: number | null
  /** Codes of the vendor, such as NEVER_SLEPT. */
  readonly peculiarities: string[]
  /** The first change of the UTC offset during the session; minutes are positive if clocks go forward. */
  readonly clockChange: { readonly epoch: number; readonly minutes: number } | null
}

/** A local day and the sessions that ended on it. */
export interface Day {
  /** `2025-11-03` */
  readonly date: string
  readonly sessions: PlacedHypnogram[]
}

export interface PlacedHypnogram extends Hypnogram {
  /** Minutes from local noon of the day before to the start of the session; null if the start is not known. */
  readonly firstMinute: number | null
}

/** Consecutive local days of one user, drawn one below the other on a common axis of local time. */
export interface Days {
  readonly userId: string
  readonly days: Day[]
  /** The time zones of the sessions, most recent last. */
  readonly timeZones: string[]
  /** Sessions that have no local time yet, because SESSION_COMPLETE has not come. */
  readonly undated: readonly string[]
}
