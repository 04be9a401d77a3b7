import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type pg from 'pg'
import { lockNumber } from '../db/migrate/migrate.ts'
import type { Period } from '../db/upkeep/maintain.ts'
import { timeOfId } from '../db/uuid-time.ts'
import { FILE, type FileLimits, readFile, verifyFile, writeFiles } from './files.ts'
import type { ArchivedDelivery, ArchivedFile, Manifest } from './format.ts'
import { candidates, countEntries, firstIdIn, haveBody, ledgerDeliveries } from './ledger.ts'
import { DamagedArchive, openArchive, removeUnlisted, writeManifest } from './manifest.ts'

const DAY = 86_400_000

export interface ArchiveOptions {
  readonly directory: string
  readonly schema: string
  /** What to archive; extended to whole UTC days. */
  readonly periods: readonly Period[]
  /** Also reads the files of days of which the ledger has nothing. */
  readonly checkAll: boolean
  /** Stops the run with an error between two deliveries. The days that were finished stay. */
  readonly signal: AbortSignal
  readonly onProgress?: (done: number, total: number) => void
  readonly limits?: FileLimits
}

/** What one run did, and what the archive has after it. */
export interface Archived extends Omit<Manifest, 'files' | 'format' | 'version'> {
  readonly directory: string
  readonly days: number
  readonly files: number
  /** Days of which this run wrote files. */
  readonly daysWritten: number
  readonly filesWritten: number
  readonly filesKept: number
}

/**
 * Copies the deliveries of the periods, with their bodies, into the archive, and reads every file back. A day whose files
 * are right and have all of its deliveries is kept; otherwise the day is written anew, with what the archive had of it and what the
 * ledger has. Throws, and leaves the day as it was, if a body or a file is damaged and the ledger can't make it again. The
 * connection must keep its session: a lock lets one process archive at a time.
 */
export function archive(client: pg.ClientBase, options: ArchiveOptions): Promise<Archived> {
  return locked(client, options.schema, async () => {
    try {
      // The view has a plan for each partition. To compile them takes far longer than to read a chunk.
      await client.query('set jit = off')
      return await archiveLocked(client, options)
    } finally {
      await client.query('reset jit').catch(() => {})
    }
  })
}

/** Runs `change` while no other process writes an archive. Throws if one does. The connection must keep its session. */
export async function locked<T>(client: pg.ClientBase, schema: string, change: () => Promise<T>): Promise<T> {
  const lock = lockNumber(`nightpost archive ${schema}`)
  const { rows } = await client.query('select pg_try_advisory_lock($1) as mine', [lock])
  if (!rows[0].mine) throw new Error('Another process is writing an archive at this moment.')
  try {
    return await change()
  } finally {
    await client.query('select pg_advisory_unlock($1)', [lock]).catch(() => {})
  }
}

async function archiveLocked(client: pg.ClientBase, options: ArchiveOptions): Promise<Archived> {
  const { directory, signal, checkAll, onProgress } = options
  let files = await openArchive(directory)
  await removeUnlisted(directory, files)
  const periods = options.periods.map(wholeDays)
  let total = 0
  for (const period of periods) total += await countEntries(client, period)
  let done = 0
  onProgress?.(done, total)
  const seen = new Set<string>()
  let [daysWritten, filesWritten, filesKept] = [0, 0, 0]
  for (const period of periods) {
    for await (const day of ledgerDays(client, period)) {
      if (seen.has(day)) continue
      seen.add(day)
      const before = files.filter((file) => file.day === day)
      const after = await archiveDay(client, options, day, before)
      done += await countEntries(client, periodOf(day))
      onProgress?.(Math.min(done, total), total)
      if (after === before) {
        filesKept += before.length
        continue
      }
      files = [...files.filter((file) => file.day !== day), ...after]
      await writeManifest(directory, files)
      await removeUnlisted(directory, files)
      daysWritten += 1
      filesWritten += after.length
    }
  }
  for (const file of checkAll ? files.filter(({ day }) => !seen.has(day)) : []) {
    signal.throwIfAborted()
    await verifyFile(directory, file)
    filesKept += 1
  }
  const { format, version, files: _, ...manifest } = await writeManifest(directory, files)
  return {
    directory,
    ...manifest,
    days: new Set(files.map(({ day }) => day)).size,
    ...{ files: files.length, daysWritten, filesWritten, filesKept },
  }
}

const startOfDay = (time: number) => Math.floor(time / DAY) * DAY
const wholeDays = ({ from, to }: Period): Period => ({
  from: startOfDay(from),
  to: startOfDay(to + DAY - 1),
})
const dayOf = (time: number) => new Date(time).toISOString().slice(0, 10)

function periodOf(day: string): Period {
  const from = Date.parse(day)
  return { from, to: from + DAY }
}

/** The days of a period that have entries in the ledger. */
async function* ledgerDays(client: pg.ClientBase, { from, to }: Period): AsyncGenerator<string> {
  for (let at = from; at < to; ) {
    const id = await firstIdIn(client, { from: at, to })
    if (id === null) return
    yield dayOf(timeOfId(id))
    at = startOfDay(timeOfId(id)) + DAY
  }
}

/** Returns the files of the day: `before`, if they are right and complete, or those that it wrote. */
async function archiveDay(
  client: pg.ClientBase,
  { directory, signal, limits = FILE }: ArchiveOptions,
  day: string,
  before: readonly ArchivedFile[],
): Promise<readonly ArchivedFile[]> {
  const period = periodOf(day)
  let good = before
  let damage: DamagedArchive | null = null
  try {
    if (await isComplete(client, directory, period, before, signal)) return before
  } catch (error) {
    if (!(error instanceof DamagedArchive)) throw error
    damage = error
    good = await undamaged(directory, before)
  }
  const all = merged(deliveriesIn(directory, good), ledgerDeliveries(client, period), signal)
  const after = await writeFiles(directory, day, all, limits)
  const count = (files: readonly ArchivedFile[]) => files.reduce((sum, file) => sum + file.deliveries, 0)
  if (damage && count(after) < count(before)) {
    for (const { name } of after)
      if (!before.some((file) => file.name === name)) await rm(join(directory, name), { force: true })
    throw damage
  }
  return after
}

async function undamaged(directory: string, files: readonly ArchivedFile[]): Promise<ArchivedFile[]> {
  const good: ArchivedFile[] = []
  for (const file of files) {
    try {
      await verifyFile(directory, file)
      good.push(file)
    } catch (error) {
      if (!(error instanceof DamagedArchive)) throw error
    }
  }
  return good
}

/** Whether the files have every delivery of the day whose body is kept. Reads the files to their end. */
async function isComplete(
  client: pg.ClientBase,
  directory: string,
  period: Period,
  files: readonly ArchivedFile[],
  signal: AbortSignal,
): Promise<boolean> {
  const archived = deliveriesIn(directory, files)
  let missing: string[] = []
  let isMissing = false
  try {
    let next = await archived.next()
    for await (const { id } of candidates(client, period)) {
      signal.throwIfAborted()
      while (!next.done && next.value.delivery_id < id) next = await archived.next()
      if (!isMissing && (next.done || next.value.delivery_id !== id)) missing.push(id)
      if (missing.length < 1_000) continue
      isMissing = await haveBody(client, missing)
      missing = []
    }
    // The sum of a file is known at its end.
    while (!next.done) next = await archived.next()
  } finally {
    await archived.return(undefined)
  }
  return !isMissing && !(missing.length > 0 && (await haveBody(client, missing)))
}

/** The deliveries of files of one day, in the order of their ids. */
async function* deliveriesIn(
  directory: string,
  files: readonly ArchivedFile[],
): AsyncGenerator<ArchivedDelivery> {
  for (const file of files) yield* readFile(directory, file)
}

/** The deliveries of both, in the order of their ids. Of a delivery that both have, the ledger's verdict is the later one. */
async function* merged(
  archived: AsyncGenerator<ArchivedDelivery>,
  ledger: AsyncGenerator<ArchivedDelivery>,
  signal: AbortSignal,
): AsyncGenerator<ArchivedDelivery> {
  try {
    let old = await archived.next()
    for await (const delivery of ledger) {
      signal.throwIfAborted()
      while (!old.done && old.value.delivery_id < delivery.delivery_id) {
        yield old.value
        old = await archived.next()
      }
      if (!old.done && old.value.delivery_id === delivery.delivery_id) old = await archived.next()
      yield delivery
    }
    while (!old.done) {
      signal.throwIfAborted()
      yield old.value
      old = await archived.next()
    }
  } finally {
    await archived.return(undefined)
  }
}
