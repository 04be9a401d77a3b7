import { localTimestamp } from './local-time.ts'
import { EPOCH_MS, type Night, reanalysed } from './night.ts'
import { seededRandom } from './seeded-random.ts'
import { asleepDelivery, type SimulatedDelivery } from './simulated-delivery.ts'
import { statOf } from './stat.ts'
import { asleepIdTime, type User } from './user.ts'

const EPOCHS_PER_CHUNK = 10
const REANALYSIS_DELAY_MS = 300 * 60_000

/** What Asleep sends about a night or a nap: INFERENCE_COMPLETE every five minutes, and SESSION_COMPLETE after its end. */
export function asleepDeliveries(user: User, night: Night, isInProgress: boolean): SimulatedDelivery[] {
  const chunks = Math.floor((night.sleep.length / EPOCHS_PER_CHUNK) * (isInProgress ? 0.6 : 1))
  const inferences = Array.from({ length: chunks }, (_, chunk) => inference(user, night, chunk))
  return isInProgress ? inferences : [...inferences, ...completions(user, night)]
}

function sessionId(user: User, { start }: Night): string {
  return `${asleepIdTime(start)}_${seededRandom(user.seed, 'session', start).string(5, 'abcdefghijklmnopqrstuvwxyz')}`
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

/** SESSION_COMPLETE; 4 % of the sessions are analysed again, and the second result, with other stages, replaces the first. */
function completions(user: User, night: Night): SimulatedDelivery[] {
  const random = seededRandom(user.seed, 'completion', night.start)
  const end = night.start + night.sleep.length * EPOCH_MS
  const missing =
    night.kind === 'defects'
      ? Math.round((1000 * night.sleep.filter((stage) => stage < 0).length) / night.sleep.length) / 1000
      : random.pick([0, 0, 0.004, 0.021])
  const completion = (sentAt: number, missingDataRatio: number, result = night) =>
    asleepDelivery(
      'SESSION_COMPLETE',
      sentAt,
      user.id,
      inEnvelope(user, 'SESSION_COMPLETE', completionData(user, result, missingDataRatio)),
    )
  const first = completion(end + random.integer(60, 240) * 1000, missing)
  return random.chance(0.04)
    ? [first, completion(end + REANALYSIS_DELAY_MS, missing + 0.01, reanalysed(user, night))]
    : [first]
}

function completionData(user: User, night: Night, missingDataRatio: number): object {
  const { timeZone } = user
  const end = night.start + night.sleep.length * EPOCH_MS
  const session = {
    id: sessionId(user, night),
    state: 'COMPLETE',
    start_time: localTimestamp(night.start, timeZone),
    end_time: localTimestamp(end, timeZone),
    unexpected_end_time: null,
    created_timezone: timeZone,
    sleep_stages: night.sleep,
  }
  const stat = statOf(night, timeZone)
  const peculiarities = [
    ...(night.kind === 'too short' ? ['TOO_SHORT_FOR_ANALYSIS'] : []),
    ...(night.kind === 'defects' ? ['TOO_MANY_DEFECTS_IN_SLEEP_STAGES'] : []),
    ...(night.kind === 'never slept' ? ['NEVER_SLEPT'] : []),
    ...(night.breath ? [] : ['NO_BREATHING_STABILITY']),
  ]
  if (user.version === 'V1') {
    const reason = stat ? undefined : peculiarities[0]
    const validity = reason ? `INVALID: ${reason}` : 'VALID'
    const sleep_data = {
      timezone: timeZone,
      validity,
      session: { ...session, osa_stages: night.breath },
      stat,
    }
    return { user_id: user.id, session_id: session.id, sleep_data }
  }
  const result = {
    timezone: timeZone,
    peculiarities,
    missing_data_ratio: missingDataRatio,
    session: { ...session, breath_stages: night.breath, snoring_stages: night.snoring },
    stat,
  }
  if (user.version === 'V2') return { user_id: user.id, session_id: session.id, sleep_data: result }
  return { ...result, user_id: user.id }
}

/** The envelope of the user's callback version. */
function inEnvelope({ version }: User, event: string, data: object): object {
  if (version === 'V3') return { event, version, data }
  if (version === 'V2') return { callback_event: event, callback_version: version, callback_data: data }
  return { callback_event: event, callback_data: data }
}
