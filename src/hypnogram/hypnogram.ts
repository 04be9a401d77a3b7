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
  /** Number of epochs. */
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
  readonly efficiency: number | null
  readonly minutes: {
    readonly [name in 'asleep' | 'light' | 'deep' | 'rem' | 'waso' | 'snoring']: number | null
  }
  readonly peculiarities: string[]
}
