import { Type } from '@sinclair/typebox'
import { PULL } from '../../contract/pull.ts'
import { apiKeyCheck } from '../../contract/secrets.ts'
import type { Headers, Vendor } from '../../contract/vendor.ts'
import { open } from './envelope.ts'
import { inferenceExamples } from './examples.ts'
import { inferenceComplete } from './inference-complete.ts'
import { pull } from './pull.ts'
import { sessionComplete } from './session-complete.ts'
import { sessions } from './tables/sessions.ts'
import { series, windows } from './tables/stages.ts'
import { stats } from './tables/stats.ts'

const events = { INFERENCE_COMPLETE: inferenceComplete, SESSION_COMPLETE: sessionComplete }

/** Asleep: sleep analysis callbacks, envelope V1 to V3. They carry the customer's own API key and are not signed. */
export const asleep: Vendor = {
  name: 'asleep',
  credentials: { ASLEEP_API_KEYS: 'Asleep API keys that callbacks may carry in x-api-key' },
  schemes: {
    api_key: { userHeader: 'x-user-id', required: true },
    [PULL]: { userHeader: 'x-user-id', required: true },
  },
  headers: Type.Object({
    'x-api-key': Type.Optional(Type.String({ description: 'One of ASLEEP_API_KEYS' })),
    'x-user-id': Type.Optional(
      Type.String({
        description: "The user; must equal the data's user_id",
        examples: [inferenceExamples.v3.user_id],
      }),
    ),
  }),
  keptHeaders: ['x-user-id'],
  proofs: { 'x-api-key': { setting: 'ASLEEP_API_KEYS', kind: 'key' } },
  events: [...inferenceComplete, ...sessionComplete],
  targets: [sessions, stats, series, windows],
  normaliserVersion: 2,
  pull,

  authenticator(credentials) {
    const keys = credentials('ASLEEP_API_KEYS')
    if (keys.length === 0) return null
    const isKey = apiKeyCheck(keys)
    const fromHeaders = ({ 'x-api-key': key }: Headers) =>
      typeof key === 'string' && isKey(key) ? 'api_key' : null
    return { fromHeaders, authenticate: fromHeaders }
  },

  identify(_headers, body) {
    const { name, data, isCallback } = open(body)
    const known = Object.entries(events).find(([known]) => known === name)?.[1]
    const { user_id } = (data ?? {}) as { user_id?: unknown }
    // A body without data is rejected, but its top-level `user_id` still names the owner.
    const owner = (data ?? undefined) === undefined ? body.user_id : user_id
    return {
      name: typeof name === 'string' ? name : null,
      event: known?.[isCallback ? 1 : 0],
      owner,
      user: user_id,
    }
  },

  deletionAdvice({ owners }) {
    return owners
      .map(
        (owner) =>
          // An apostrophe would end the shell's quotes.
          `curl -X DELETE -H "x-api-key: $ASLEEP_API_KEY" 'https://api.asleep.ai/ai/v1/users/${encodeURIComponent(owner).replaceAll("'", '%27')}'`,
      )
      .join('\n')
  },

  example(credentials) {
    const [key] = credentials('ASLEEP_API_KEYS')
    const [{ example }] = inferenceComplete
    return {
      headers: { 'x-api-key': key ?? '', 'x-user-id': inferenceExamples.v3.user_id },
      body: JSON.stringify(example),
    }
  },
}
