import { type TracingChannel, tracingChannel } from 'node:diagnostics_channel'
import { ProblemError } from './problem.ts'

/** What an error may say on a channel: no message, because Postgres quotes the row that it refuses. */
export interface TracedError {
  /** The class of the error, for example `Unavailable`. */
  readonly name: string
  /** The code of a problem, an SQLSTATE or an error code of Node. */
  readonly code: string | null
}

/**
 * The message of `tracing:nightpost.delivery:*`: one request to a vendor's route, from the arrival of its headers to
 * the receipt. All events of one request carry the same object, which is filled in on the way. It contains no body, no
 * owner and no credential. `result` is the receipt, and `error` a `TracedError`.
 */
export interface DeliveryTrace {
  readonly vendor: string
  /** The header of that name, if it has the form of the W3C. Its sender is not proven when the request starts. */
  readonly traceparent: string | null
  /** The name of the vendor's scheme that proved the sender; null until then, and in every refused request. */
  authenticatedBy: string | null
  /** Bytes of the body as it was sent; null until it is read. */
  bytes: number | null
  /** Null if the body names no event that the vendor documents, and until the body is judged. */
  event: string | null
  /** A listener may set this to the id of its trace, 32 hex digits. The log lines of the request then carry it. */
  traceId: string | null
  readonly result?: DeliveryResult
  readonly error?: TracedError
}

interface DeliveryResult {
  readonly outcome: string
  readonly deliveryId: string
  /** Names paths of the body, never a value. */
  readonly problem: { readonly code: string } | null
}

/**
 * The message of `tracing:nightpost.commit:*`: one transaction that writes a group of deliveries, with the wait for its
 * connection. A group that is tried again, or is split, makes one message for each transaction.
 */
export interface CommitTrace {
  /** The messages of the deliveries that have one: those whose request arrived while somebody listened. */
  readonly deliveries: readonly DeliveryTrace[]
  /** All deliveries of the group. */
  readonly size: number
  readonly error?: TracedError
}

/** Check `hasSubscribers` before a message is made, so that a channel without a listener costs nothing. */
export const deliveryChannel = tracingChannel<DeliveryTrace, DeliveryTrace>('nightpost.delivery')
export const commitChannel = tracingChannel<CommitTrace, CommitTrace>('nightpost.commit')

/** `version-trace-parent-flags` in hex, as in W3C Trace Context. */
const TRACEPARENT = /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/

export function newDeliveryTrace(vendor: string, traceparent: unknown): DeliveryTrace {
  const isWellFormed = typeof traceparent === 'string' && TRACEPARENT.test(traceparent)
  return {
    vendor,
    traceparent: isWellFormed ? traceparent : null,
    authenticatedBy: null,
    bytes: null,
    event: null,
    traceId: null,
  }
}

/** Runs `work` and publishes its course. */
export async function traced<M extends object, R>(
  channel: TracingChannel<M, M>,
  message: M,
  work: () => Promise<R>,
): Promise<R> {
  let failure: unknown
  const described = async () => {
    try {
      return await work()
    } catch (error) {
      failure = error
      throw describe(error)
    }
  }
  try {
    return await channel.tracePromise(described, message)
  } catch {
    // Listeners get the description, and the caller the error.
    throw failure
  }
}

function describe(error: unknown): TracedError {
  if (error instanceof ProblemError) return { name: error.name, code: error.problem.code }
  if (!(error instanceof Error)) return { name: 'unknown', code: null }
  const { code } = error as NodeJS.ErrnoException
  return { name: error.name, code: typeof code === 'string' ? code : null }
}
