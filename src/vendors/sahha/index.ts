import { createHmac } from 'node:crypto'
import { Type } from '@sinclair/typebox'
import { PULL } from '../../contract/pull.ts'
import type { Vendor } from '../../contract/vendor.ts'
import { authenticator } from './authenticate.ts'
import { biomarkerExample } from './examples.ts'
import { events, identify } from './identify.ts'
import { pull } from './pull.ts'
import { archetypes } from './tables/archetypes.ts'
import { biomarkers } from './tables/biomarkers.ts'
import { dataLogs } from './tables/data-logs.ts'
import { factors, scores } from './tables/scores.ts'

/** Sahha: health scores, biomarkers, archetypes and device data logs. */
export const sahha: Vendor = {
  name: 'sahha',
  credentials: {
    SAHHA_API_KEYS: 'Keys of your choice that callers may send in x-api-key',
    SAHHA_WEBHOOK_SECRETS: 'Webhook secrets from the Sahha dashboard, for X-Signature',
  },
  schemes: {
    api_key: { userHeader: 'x-user-id', required: true },
    signature: { userHeader: 'x-external-id', required: false },
    [PULL]: { userHeader: 'x-external-id', required: false },
  },
  headers: Type.Object({
    'x-signature': Type.Optional(
      Type.String({
        description: 'HMAC-SHA256 of the exact body under one of SAHHA_WEBHOOK_SECRETS, in hex',
      }),
    ),
    'x-external-id': Type.Optional(
      Type.String({
        description: 'With X-Signature: must equal externalId unless it is empty',
        examples: [biomarkerExample.externalId],
      }),
    ),
    'x-event-type': Type.Optional(
      Type.String({
        description: "The event's name; decides if it is unknown or the body's shape is ambiguous",
        examples: events.map(({ name }) => name),
      }),
    ),
    'x-api-key': Type.Optional(Type.String({ description: 'One of SAHHA_API_KEYS, instead of X-Signature' })),
    'x-user-id': Type.Optional(
      Type.String({
        description: 'With x-api-key: must equal externalId',
        examples: [biomarkerExample.externalId],
      }),
    ),
  }),
  keptHeaders: ['x-user-id', 'x-external-id', 'x-event-type'],
  userColumn: 'external_id',
  proofs: {
    'x-signature': { setting: 'SAHHA_WEBHOOK_SECRETS', kind: 'signature', algorithm: 'hmac-sha256-hex' },
    'x-api-key': { setting: 'SAHHA_API_KEYS', kind: 'key' },
  },
  events,
  targets: [scores, factors, biomarkers, archetypes, dataLogs],
  normaliserVersion: 2,
  pull,

  authenticator: (credentials) =>
    authenticator(credentials('SAHHA_API_KEYS'), credentials('SAHHA_WEBHOOK_SECRETS')),

  identify,

  deletionAdvice() {
    return [
      'Sahha documents DELETE /profile without its body. Ask Sahha how it names the profile, then call:',
      'curl -X DELETE -H "Authorization: account $SAHHA_ACCOUNT_TOKEN" https://api.sahha.ai/api/v1/profile',
    ].join('\n')
  },

  example(credentials) {
    const body = JSON.stringify(biomarkerExample)
    const [key] = credentials('SAHHA_API_KEYS')
    const [secret] = credentials('SAHHA_WEBHOOK_SECRETS')
    const proof: Record<string, string> = key
      ? { 'x-api-key': key, 'x-user-id': biomarkerExample.externalId }
      : {
          'X-Signature': createHmac('sha256', secret ?? '')
            .update(body)
            .digest('hex'),
        }
    return { headers: { 'X-Event-Type': 'BiomarkerCreatedIntegrationEvent', ...proof }, body }
  },
}
