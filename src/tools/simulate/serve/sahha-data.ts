import { utcTimestamp } from '../local-time.ts'
import { datesOf, usersOf } from '../population.ts'
import { sahhaDeliveries } from '../sahha.ts'
import type { TrafficOptions } from '../traffic.ts'
import type { User } from '../user.ts'

export type Row = Record<string, unknown> & { id: string }

/** A profile as Sahha knows it at the end: its entry in the search, and the last revision of each record. */
export interface StoredProfile {
  readonly item: Record<string, unknown> & { profileId: string; dataLastReceivedAtUtc: string | null }
  readonly scores: Row[]
  readonly biomarkers: Row[]
  readonly archetypes: Row[]
}

/** The profiles by their external ids. `lastReceivedAt` replaces the time of each profile's last data. */
export function sahhaData(options: TrafficOptions, lastReceivedAt?: string): Map<string, StoredProfile> {
  return new Map(usersOf(options).map((user) => [user.id, storedProfile(user, options, lastReceivedAt)]))
}

function storedProfile(user: User, options: TrafficOptions, lastReceivedAt?: string): StoredProfile {
  const byKind = new Map<string, Map<string, { sentAt: number; row: Row }>>()
  const deliveries = datesOf(options).flatMap((date) => sahhaDeliveries(user, date, false))
  let lastReceived = ''
  for (const { kind, sentAt, body } of deliveries) {
    const { profileId, accountId, externalId, ...row } = JSON.parse(body)
    // Sahha computes biomarkers as soon as the phone has uploaded.
    if (kind.startsWith('Biomarker') && row.createdAtUtc > lastReceived) lastReceived = row.createdAtUtc
    const rows = byKind.get(kind) ?? new Map()
    byKind.set(kind, rows)
    const known = rows.get(row.id)
    if (!known || sentAt >= known.sentAt) rows.set(row.id, { sentAt, row })
  }
  const rowsOf = (kind: string) => [...(byKind.get(kind)?.values() ?? [])].map(({ row }) => row)
  return {
    item: {
      ...{ profileId: user.profileId, accountId: user.accountId, externalId: user.id },
      ...{ sdkId: user.platform, sdkVersion: '1.2.6', deviceType: user.platform, isSampleProfile: false },
      createdAtUtc: utcTimestamp(Date.parse(`${datesOf(options)[0]}T00:00:00Z`) - 30 * 86_400_000),
      dataLastReceivedAtUtc: lastReceivedAt ?? lastReceived,
    },
    scores: rowsOf('ScoreCreatedIntegrationEvent'),
    // The API has neither field of a biomarker.
    biomarkers: rowsOf('BiomarkerCreatedIntegrationEvent').map(({ createdAtUtc, version, ...row }) => row),
    archetypes: rowsOf('ArchetypeCreatedIntegrationEvent'),
  }
}
