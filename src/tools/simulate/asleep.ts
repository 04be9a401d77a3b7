import {
  type Analysis,
  announcedAnalyses,
  laterAnalysis,
  peculiaritiesOf,
  sessionFields,
  sessionId,
  sessionResult,
} from './asleep-session.ts'
import { EPOCH_MS, type Night } from './night.ts'
import { seededRandom } from './seeded-random.ts'
import { asleepDelivery, type SimulatedDelivery } from './simulated-delivery.ts'
import { statOf } from './stat.ts'
import type { User } from './user.ts'

const EPOCHS_PER_CHUNK = 10
const IN_PROGRESS_SHARE = 0.6

/**
 * What Asleep sends about a night or a nap: INFERENCE_COMPLETE every five minutes, unless `hasWindows` is false, and
 * SESSION_COMPLETE after each analysis. `later` is the share of the sessions of which a later analysis is sent, too.
 */
export function asleepDeliveries(
  user: User,
  night: Night,
  isInProgress: boolean,
  { later = 0, hasWindows = true } = {},
): SimulatedDelivery[] {
  const chunks = isInProgress ? chunksInProgress(night) : Math.floor(night.sleep.length / EPOCHS_PER_CHUNK)
  const inferences = Array.from({ length: hasWindows ? chunks : 0 }, (_, chunk) =>
    inference(user, night, chunk),
  )
  if (isInProgress) return inferences
  const last = laterAnalysis(user, night, later)
  const analyses = [...announcedAnalyses(user, night), ...(last ? [last] : [])]
  return [...inferences, ...analyses.map((analysis) => completion(user, analysis))]
}

function chunksInProgress({ sleep }: Night): number {
  return Math.floor((sleep.length / EPOCHS_PER_CHUNK) * IN_PROGRESS_SHARE)
}

/** The epochs of a session in progress that Asleep has received. */
export function epochsInProgress(night: Night): number {
  return chunksInProgress(night) * EPOCHS_PER_CHUNK
}

/** Chunk k ends with epoch 10k + 9. V1 and V2 send the last 40 epochs, V3 the last 10. */
function inference(user: User, night: Night, chunk: number): SimulatedDelivery {
  const end = EPOCHS_PER_CHUNK * (chunk + 1)
  const begin = Math.max(0, end - (user.version === 'V3' ? EPOCHS_PER_CHUNK : 4 * EPOCHS_PER_CHUNK))
  const random = seededRandom(user.seed, 'inference', night.start, chunk)
  // Asleep revises its newest chunk later. The simulator makes 12 % of its sleep stages differ from the final ones.
  const sleep = night.sleep
    .slice(begin, end)
    .map((stage, at) =>
      stage > 0 && begin + at >= end - EPOCHS_PER_CHUNK && random.chance(0.12) ? 1 + (stage % 2) : stage,
    )
  const key = {
    user_id: user.id,
    session_id: sessionId(user, night),
    seq_num: end - 1,
    inference_seq_num: chunk,
  }
  const breath = night.breath?.slice(begin, end) ?? null
  const data =
    user.version === 'V3'
      ? {
          ...key,
          sleep_stages: sleep,
          breath_stages: breath,
          snoring_stages: night.snoring.slice(begin, end),
        }
      : {
          ...key,
          stage_list: sleep,
          ...(breath && { [user.version === 'V1' ? 'osa_stage_list' : 'breath_stages']: breath }),
        }
  const sentAt = night.start + end * EPOCH_MS + random.integer(2, 20) * 1000
  return asleepDelivery('INFERENCE_COMPLETE', sentAt, user.id, inEnvelope(user, 'INFERENCE_COMPLETE', data))
}

function completion(user: User, analysis: Analysis): SimulatedDelivery {
  const body = inEnvelope(user, 'SESSION_COMPLETE', completionData(user, analysis))
  return asleepDelivery('SESSION_COMPLETE', analysis.completedAt, user.id, body)
}

function completionData(user: User, analysis: Analysis): object {
  const { timeZone } = user
  const result = sessionResult(user, analysis, timeZone)
  const ids = { user_id: user.id, session_id: result.session.id }
  if (user.version === 'V1') return { ...ids, sleep_data: firstVersion(user, analysis.night) }
  if (user.version === 'V2') return { ...ids, sleep_data: result }
  return { ...result, user_id: user.id }
}

/** The result as V1 had it: `validity` in place of peculiarities, `osa_stages`, and no snoring. */
function firstVersion(user: User, night: Night): object {
  const { timeZone } = user
  const stat = statOf(night, timeZone)
  const reason = stat ? undefined : peculiaritiesOf(night)[0]
  return {
    timezone: timeZone,
    validity: reason ? `INVALID: ${reason}` : 'VALID',
    session: { ...sessionFields(user, night, timeZone), osa_stages: night.breath },
    stat,
  }
}

/** The envelope of the user's callback version. */
function inEnvelope({ version }: User, event: string, data: object): object {
  if (version === 'V3') return { event, version, data }
  if (version === 'V2') return { callback_event: event, callback_version: version, callback_data: data }
  return { callback_event: event, callback_data: data }
}
