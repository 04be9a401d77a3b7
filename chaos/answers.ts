import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'
import type pg from 'pg'
import { delivery } from './deliveries.ts'
import type { Answer } from './poster.ts'

/** Everything that the sender was told, as far as it is read. */
export interface Answers {
  /** Reads what was written since. */
  read(): Answer[]
  readonly all: readonly Answer[]
  close(): void
}

export function answersIn(file: string): Answers {
  const handle = openSync(file, 'a+')
  const chunk = Buffer.alloc(1 << 20)
  const all: Answer[] = []
  let at = 0
  let rest = ''
  return {
    all,
    read() {
      const fresh: Answer[] = []
      for (;;) {
        const length = readSync(handle, chunk, 0, chunk.length, at)
        if (length === 0) break
        at += length
        const lines = (rest + chunk.toString('latin1', 0, length)).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) fresh.push(JSON.parse(line))
      }
      for (const answer of fresh) all.push(answer)
      return fresh
    },
    close: () => closeSync(handle),
  }
}

/** What an acknowledgement promised and the ledger does not hold: a line for each. Reads the ledger after the answers. */
export async function lost(client: Pick<pg.Client, 'query'>, answers: readonly Answer[]): Promise<string[]> {
  const { rows } = await client.query(
    `select encode(body_digest, 'hex') as digest, delivery_id, outcome from deliveries`,
  )
  const ledger = new Map(rows.map((row) => [row.digest, row]))
  const faults: string[] = []
  for (const { n, status, outcome, delivery_id } of answers) {
    if (status !== 200) continue
    const row = ledger.get(digestOf(n))
    if (!row) faults.push(`delivery ${n} was answered ${outcome}, and is not there`)
    else if (row.outcome !== 'stored')
      faults.push(`delivery ${n} was answered ${outcome}, and is ${row.outcome}`)
    else if (row.delivery_id !== delivery_id) faults.push(`delivery ${n} is there under another id`)
  }
  return faults
}

/** Answers that no sender should get: anything but an acknowledgement, a 503 or a connection that broke. */
export function strange(answers: readonly Answer[]): string[] {
  const isRight = ({ status, outcome }: Answer) =>
    status === 200
      ? outcome === 'stored' || outcome === 'duplicate'
      : status === 503 || BROKEN.has(`${status}`)
  return answers
    .filter((answer) => !isRight(answer))
    .map(({ n, status }) => `delivery ${n} was answered ${status}`)
}

const BROKEN = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'])

const digests = new Map<number, string>()

function digestOf(n: number): string {
  const known = digests.get(n) ?? createHash('sha256').update(delivery(n).body).digest('hex')
  digests.set(n, known)
  return known
}
