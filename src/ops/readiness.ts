import type { Readiness } from './health.ts'

/** Milliseconds that a check of the database may take. Kubernetes and balancers wait only a few seconds for health. */
const TIMEOUT = 3000

/** Milliseconds for which an answer of the database is reused, so that frequent health requests do not load it. */
const REUSE = 500

/** What the database answers: why it can't take deliveries (null if it can), and whether it has every migration. */
export interface DatabaseAnswer {
  readonly fault: string | null
  readonly isCurrent: boolean
}

interface Questions {
  readonly askDatabase: () => Promise<DatabaseAnswer>
  /** Why this version can't work with the schema; null if it can. */
  readonly schemaFault: () => string | null
  /** Why no delivery is taken; null if they are. */
  readonly queueFault: () => string | null
  /** Which nodes of a distributed database are lost: `PartFaults`. */
  readonly nodesFault?: () => string | null | undefined
}

/** The readiness check of a service. It asks the database at most once at a time and twice a second. */
export function readinessOf(questions: Questions): Readiness {
  const { askDatabase, schemaFault, queueFault, nodesFault = () => undefined } = questions
  let askedAt = 0
  let isAsking = false
  let latest: Promise<DatabaseAnswer | null> = Promise.resolve(null)
  return async () => {
    // If the server does not respond, each question would hold a connection until its timeout.
    if (!isAsking && Date.now() - askedAt > REUSE) {
      askedAt = Date.now()
      isAsking = true
      const answer = askDatabase().finally(() => {
        isAsking = false
      })
      latest = nullAfterTimeout(answer)
    }
    const answer = await latest
    const nodes = nodesFault()
    return {
      database: answer === null ? 'The database does not answer.' : answer.fault,
      schema: schemaFault() ?? (answer?.isCurrent === false ? 'The database lacks a migration.' : null),
      queue: queueFault(),
      ...(nodes !== undefined && { nodes }),
    }
  }
}

/** null if the answer fails or takes longer than `TIMEOUT`. */
function nullAfterTimeout<T>(answer: Promise<T>): Promise<T | null> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(null), TIMEOUT)
    answer.then(resolve, () => resolve(null)).finally(() => clearTimeout(timer))
  })
}
