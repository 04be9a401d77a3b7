import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'
import type pg from 'pg'
import { numberedRequest } from './numbered-request.ts'
import type { Answer } from './sender.ts'

/** The answers in the sender's file. */
export interface AnswerFile {
  /** Reads and returns the answers that were written since the last call. */
  readNew(): Answer[]
  /** Every answer that was read. */
  readonly all: readonly Answer[]
  close(): void
}

export function openAnswerFile(path: string): AnswerFile {
  const file = openSync(path, 'a+')
  const chunk = Buffer.alloc(1 << 20)
  const all: Answer[] = []
  let position = 0
  let incompleteLine = ''
  return {
    all,
    readNew() {
      const answers: Answer[] = []
      for (;;) {
        const length = readSync(file, chunk, 0, chunk.length, position)
        if (length === 0) break
        position += length
        const lines = (incompleteLine + chunk.toString('latin1', 0, length)).split('\n')
        incompleteLine = lines.pop() ?? ''
        for (const line of lines) answers.push(JSON.parse(line))
      }
      for (const answer of answers) all.push(answer)
      return answers
    },
    close: () => closeSync(file),
  }
}

/**
 * Describes each acknowledged delivery that is not in the ledger as the answer said. Read the answers before the
 * call, because a later answer may be newer than the ledger that is compared.
 */
export async function lostDeliveries(
  client: Pick<pg.Client, 'query'>,
  answers: readonly Answer[],
): Promise<string[]> {
  const { rows } = await client.query(
    `select encode(body_digest, 'hex') as digest, delivery_id, outcome from deliveries`,
  )
  const ledger = new Map(rows.map((row) => [row.digest, row]))
  const lost: string[] = []
  for (const { n, status, outcome, delivery_id } of answers) {
    if (status !== 200) continue
    const row = ledger.get(bodyDigest(n))
    if (!row) lost.push(`delivery ${n} was answered ${outcome}, and is not there`)
    else if (row.outcome !== 'stored')
      lost.push(`delivery ${n} was answered ${outcome}, and is ${row.outcome}`)
    else if (row.delivery_id !== delivery_id) lost.push(`delivery ${n} is there under another id`)
  }
  return lost
}

/** Describes each answer other than an acknowledgement, a 503 and a broken connection. */
export function unexpectedAnswers(answers: readonly Answer[]): string[] {
  const isExpected = ({ status, outcome }: Answer) =>
    status === 200
      ? outcome === 'stored' || outcome === 'duplicate'
      : status === 503 || CONNECTION_ERRORS.has(`${status}`)
  return answers
    .filter((answer) => !isExpected(answer))
    .map(({ n, status }) => `delivery ${n} was answered ${status}`)
}

const CONNECTION_ERRORS = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'])

const digests = new Map<number, string>()

function bodyDigest(n: number): string {
  const digest = digests.get(n) ?? createHash('sha256').update(numberedRequest(n).body).digest('hex')
  digests.set(n, digest)
  return digest
}
