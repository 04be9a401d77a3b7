import type { Device } from './sahha-device.ts'

/** A measurement, or a part of an exercise. */
export interface Sample {
  /** Start in milliseconds since 1970. */
  start: number
  minutes: number
  value: number
  /** Without it, the id is made of the data type and the start. */
  id?: string
  parentId?: string
  properties?: Record<string, string | number | boolean>
}

/** The samples of one data type that the phone uploads together. */
export interface DataLog {
  logType: string
  dataType: string
  unit: string
  device: Device
  samples: Sample[]
  /** Local hour at which Sahha receives it from the phone. */
  receivedHour: number
}
