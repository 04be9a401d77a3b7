import { v3 as uuid3 } from 'uuid'
import { sahhaRecordId, type User } from './user.ts'

/** Namespace of the version 3 UUIDs of Android's samples; an arbitrary UUID. */
const NAMESPACE = '0c6d4a58-1f3b-3e0a-9d77-5b1c2e8f4a60'

/** The id of a sample. HealthKit's ids are in upper case; Sahha's Android SDK makes UUIDs of version 3 in lower case. */
export function sampleId({ platform, profileId }: User, ...name: string[]): string {
  if (platform === 'ios') return sahhaRecordId(profileId, 'log', ...name).toUpperCase()
  return uuid3([profileId, ...name].join('/'), NAMESPACE)
}

type Properties = Record<string, string | number | boolean>

/** Additional properties: in PascalCase and typed from iOS, in camelCase and all text from Android. */
export function additionalProperties({ platform }: User, properties: Properties): Properties {
  if (platform === 'ios') return properties
  return Object.fromEntries(
    Object.entries(properties).map(([name, value]) => [
      `${name.charAt(0).toLowerCase()}${name.slice(1)}`,
      `${value}`,
    ]),
  )
}

export type Device = 'phone' | 'watch' | 'scale' | 'blood pressure monitor' | 'glucose meter' | 'thermometer'

const IOS: Record<Device, [source: string, deviceType: string]> = {
  phone: ['iPhone 15 Pro', 'iPhone16,1'],
  watch: ['Apple Watch', 'Watch7,1'],
  scale: ['Scale', 'iPhone16,1'],
  'blood pressure monitor': ['Blood Pressure Monitor', 'iPhone16,1'],
  'glucose meter': ['Glucose Meter', 'iPhone16,1'],
  thermometer: ['Health', 'iPhone16,1'],
}
const ANDROID: Record<Device, [source: string, deviceType: string]> = {
  phone: ['com.google.android.apps.fitness', 'Pixel 8'],
  watch: ['com.google.android.apps.fitness', 'Pixel Watch 2'],
  scale: ['com.example.scale', 'Scale S400'],
  'blood pressure monitor': ['com.example.bloodpressure', 'Monitor BP7000'],
  'glucose meter': ['com.example.glucose', 'Meter GM550'],
  thermometer: ['com.google.android.apps.healthdata', 'Pixel 8'],
}

/** The fields of a sample that name its device. What a person types in is a manual entry. */
export function deviceFields({ platform }: User, device: Device) {
  const [source, deviceType] = (platform === 'ios' ? IOS : ANDROID)[device]
  const method = device === 'thermometer' ? 'MANUAL_ENTRY' : 'AUTOMATICALLY_RECORDED'
  return { source, recordingMethod: `RECORDING_METHOD_${method}`, deviceType }
}
