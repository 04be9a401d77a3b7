import { asleepDelivery, type Delivery } from './delivery.ts'
import { withOffset } from './local-time.ts'
import { EPOCH, type Night } from './night.ts'
import { random } from './random.ts'
import { statOf } from './stat.ts'
import { compact, type User } from './user.ts'

const CHUNK = 10
const MINUTE = 60_000

/** What Asleep sends of a night: a window every five minutes while it lasts, and the whole after its end. */
export function asleepDeliveries(user: User, night: Night, inProgress: boolean): Delivery[] {
  const chunks = Math.floor((night.sleep.length / CHUNK) * (inProgress ? 0.6 : 1))
  const windows = Array.from({ length: chunks }, (_, chunk) => inference(user, night, chunk))
  return inProgress ? windows : [...windows, ...completions(user, night)]
}

function sessionId(user: User, { start }: Night): string {
  return `${compact(start)}_${random(user.seed, 'session', start).letters(5, 'abcdefghijklmnopqrstuvwxyz')}`
}

/** Chunk k covers epochs 10k to 10k + 9; V1 and V2 send the last 40 values, V3 the last 10. */
function inference(user: User, night: Night, chunk: number): Delivery {
  const end = CHUNK * (chunk + 1)
  const begin = Math.max(0, end - (user.version === 'V3' ? CHUNK : 4 * CHUNK))
  const draw = random(user.seed, 'inference', night.start, chunk)
  // The newest chunk is a first guess: now and then it takes one stage of sleep for its neighbour.
  const sleep = night.sleep
    .slice(begin, end)
    .map((stage, at) =>
      stage > 0 && begin + at >= end - CHUNK && draw.chance(0.12) ? 1 + (stage % 2) : stage,
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
  const at = night.start + end * EPOCH + draw.integer(2, 20) * 1000
  return asleepDelivery('INFERENCE_COMPLETE', at, user.id, enveloped(user, 'INFERENCE_COMPLETE', data))
}

/** The result; a few nights are analysed again later, and the second result replaces the first. */
function completions(user: User, night: Night): Delivery[] {
  const draw = random(user.seed, 'completion', night.start)
  const end = night.start + night.sleep.length * EPOCH
  const missing = draw.pick([0, 0, 0.004, 0.021])
  const complete = (at: number, missingDataRatio: number) =>
    asleepDelivery(
      'SESSION_COMPLETE',
      at,
      user.id,
      enveloped(user, 'SESSION_COMPLETE', completed(user, night, missingDataRatio)),
    )
  const first = complete(end + draw.integer(60, 240) * 1000, missing)
  return draw.chance(0.04) ? [first, complete(end + 300 * MINUTE, missing + 0.01)] : [first]
}

function completed(user: User, night: Night, missingDataRatio: number): object {
  const { timeZone } = user
  const end = night.start + night.sleep.length * EPOCH
  const session = {
    id: sessionId(user, night),
    state: 'COMPLETE',
    start_time: withOffset(night.start, timeZone),
    end_time: withOffset(end, timeZone),
    unexpected_end_time: null,
    created_timezone: timeZone,
    sleep_stages: night.sleep,
  }
  const stat = statOf(night, timeZone)
  const peculiarities = [
    ...(night.kind === 'too short' ? ['TOO_SHORT_FOR_ANALYSIS'] : []),
    ...(night.kind === 'never slept' ? ['NEVER_SLEPT'] : []),
    ...(night.breath ? [] : ['NO_BREATHING_STABILITY']),
  ]
  if (user.version === 'V1') {
    const validity = night.kind === 'too short' ? 'INVALID: TOO_SHORT_FOR_ANALYSIS' : 'VALID'
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

function enveloped({ version }: User, event: string, data: object): object {
  if (version === 'V3') return { event, version, data }
  if (version === 'V2') return { callback_event: event, callback_version: version, callback_data: data }
  return { callback_event: event, callback_data: data }
}
