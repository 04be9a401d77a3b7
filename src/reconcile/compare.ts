import type pg from 'pg'
import type { Comparable } from '../contract/pull.ts'
import { primaryKeyOf } from '../db/sql/parameters.ts'
import {
  type Compared,
  describePartsByKey,
  describePulled,
  describePulledByKey,
  describePulledBySame,
  describePulledParts,
} from '../db/sql/pull-statements.ts'
import { partStatements } from '../db/sql/upserts.ts'
import { type Batch, batchParameters, rowParameters, slices } from '../db/sql/values.ts'
import { type Client, query, STATEMENT } from '../db/write/plan.ts'
import { compareNumbers } from '../replay/rows.ts'
import type { TargetRows } from '../tables/target.ts'

/** What was pulled of one record, judged. */
export interface JudgedRecord {
  readonly id: string
  readonly receivedAt: string
  readonly rows: readonly TargetRows[]
}

/**
 * `missing`: it has no row. `differing`: it would replace its row. `same`: its row has its content. `kept`: its row differs,
 * and stays, because it is newer or has another id.
 */
export type Difference = 'missing' | 'differing' | 'same' | 'kept'

const WORST: readonly Difference[] = ['missing', 'differing', 'kept', 'same']

/** Compares the records of one owner with the rows in the tables. Returns the difference of each, in the same order. */
export async function compareRecords(
  client: Pick<pg.Pool, 'query'>,
  compared: readonly Comparable[],
  owner: string,
  records: readonly JudgedRecord[],
): Promise<Difference[]> {
  const found = records.map((): Difference[] => [])
  for (const one of compared.filter(({ target }) => !target.partOf)) {
    const parts = compared.filter(({ target }) => target.partOf === one.target)
    const mine: { at: number; batch: Batch; record: JudgedRecord }[] = records.flatMap((record, at) => {
      const rows = record.rows.filter(({ target }) => target === one.target).flatMap(({ rows }) => rows)
      return rows.map((row) => ({ at, record, batch: batchOf(record, [row]) }))
    })
    if (mine.length === 0) continue
    const pulled = await describeAll(
      client,
      one,
      mine.map(({ batch }) => batch),
    )
    const held = await heldOf(client, one, owner, mine, pulled)
    const differing = await differentParts(client, one, parts, owner, mine, pulled, held)
    for (const [nth, { at }] of mine.entries()) {
      const [row, other] = [pulled[nth] as Compared, held[nth]]
      found[at]?.push(differenceOf(one, row, other, differing.has(nth)))
    }
  }
  return found.map((all) => WORST.find((difference) => all.includes(difference)) ?? 'same')
}

function differenceOf(
  { target }: Comparable,
  row: Compared,
  held: Compared | undefined,
  hasOtherParts: boolean,
) {
  if (!held) return 'missing'
  // A record that is stored under another id is never written: it would become a second row.
  const isSameKey = held.key === row.key
  const versions = target.newest.length
  if (isSameKey && versions > 0 && compareNumbers(row.age, held.age, versions) > 0) return 'differing'
  if (row.content === held.content && !hasOtherParts) return 'same'
  return isSameKey && compareNumbers(row.age, held.age) > 0 ? 'differing' : 'kept'
}

const batchOf = ({ id, receivedAt }: JudgedRecord, rows: readonly object[]): Batch => ({
  ...{ rows, id, receivedAt, isPulled: true },
})

async function describeAll(client: Pick<pg.Pool, 'query'>, one: Comparable, batches: readonly Batch[]) {
  const statement = describePulled(one)
  const all: Compared[] = []
  for (const slice of slices(batches, STATEMENT)) {
    const values = batchParameters(statement.parameters, slice)
    all.push(...(await query<Compared>(client as Client, statement, values)))
  }
  return all
}

/** The stored row of each pulled one: with the same key, or else with the same `sameBy`. */
async function heldOf(
  client: Pick<pg.Pool, 'query'>,
  one: Comparable,
  owner: string,
  mine: ReadonlyArray<{ readonly batch: Batch }>,
  pulled: readonly Compared[],
): Promise<Array<Compared | undefined>> {
  const byKey = describePulledByKey(one)
  const rows = mine.flatMap(({ batch }) => batch.rows)
  const found = await query<Compared>(client as Client, byKey, rowParameters(byKey.parameters, rows))
  const held = new Map(found.map((row) => [row.key, row]))
  const left = one.sameBy ? pulled.filter(({ key }) => !held.has(key)) : []
  const bySame = new Map<string | null, Compared>()
  if (left.length > 0) {
    const hashes = [...new Set(left.map(({ same }) => same))]
    const others = await query<Compared>(client as Client, describePulledBySame(one), [owner, hashes])
    for (const other of others) bySame.set(other.same, other)
  }
  return pulled.map(({ key, same }) => held.get(key) ?? bySame.get(same))
}

/** Which of the rows, by their number, have other parts than the stored rows. */
async function differentParts(
  client: Pick<pg.Pool, 'query'>,
  one: Comparable,
  parts: readonly Comparable[],
  owner: string,
  mine: ReadonlyArray<{ readonly record: JudgedRecord }>,
  pulled: readonly Compared[],
  held: ReadonlyArray<Compared | undefined>,
): Promise<Set<number>> {
  const differing = new Set<number>()
  const key = primaryKeyOf(one.target.table).map(({ name }) => name)
  for (const part of parts) {
    const { parentKey } = partStatements(part.target, one.target)
    const given = describePulledParts(part, parentKey)
    const batches = [...new Set(mine.map(({ record }) => record))].flatMap((record) =>
      record.rows.filter(({ target }) => target === part.target).map(({ rows }) => batchOf(record, rows)),
    )
    const ours = new Map<string, string[]>()
    for (const slice of slices(batches, STATEMENT))
      collect(ours, await query<Part>(client as Client, given, batchParameters(given.parameters, slice)))
    const theirs = new Map<string, string[]>()
    const statement = describePartsByKey(part, one.target, parentKey)
    const keys = held.flatMap((row) => (row ? [keyColumns(key, owner, row.key)] : []))
    if (keys.length > 0)
      collect(
        theirs,
        await query<Part>(client as Client, statement, rowParameters(statement.parameters, keys)),
      )
    for (const [nth, row] of pulled.entries()) {
      const other = held[nth]
      if (other && textOf(ours.get(row.key)) !== textOf(theirs.get(other.key))) differing.add(nth)
    }
  }
  return differing
}

type Part = Pick<Compared, 'key' | 'content'>

function collect(into: Map<string, string[]>, parts: readonly Part[]): void {
  for (const { key, content } of parts) into.set(key, [...(into.get(key) ?? []), content])
}

const textOf = (contents: readonly string[] | undefined) => [...(contents ?? [])].sort().join()

/** The columns of a described key: the owner, and one id, which may contain any character. */
function keyColumns(names: readonly string[], owner: string, key: string): Record<string, string> {
  const [ownerName = '', idName = ''] = names
  return { [ownerName]: owner, [idName]: key.slice(owner.length + 1) }
}
