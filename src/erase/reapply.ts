import type pg from 'pg'
import type { Vendor } from '../contract/vendor.ts'
import { totalOf } from './count.ts'
import { type EraseOptions, eraseFenced } from './erase.ts'
import { finishAll, requireFenceReaders, waitForWriters } from './fence.ts'
import { type FenceFile, importFence } from './fence-file.ts'
import { fencedPersons } from './fenced.ts'
import { transaction } from './transaction.ts'

/** What was erased again. */
export interface Reapplied {
  /** Ids in the file. */
  readonly ids: number
  /** Ids of which the database had something. */
  readonly found: number
  readonly rowsDeleted: number
  readonly rowsLeft: number
}

/**
 * Puts up the fence of a file in a restored database, and erases whoever came back with the backup. All persons of one vendor are
 * erased together; their fences stay apart, so that each can be lifted by itself.
 */
export async function reapply(
  client: pg.ClientBase,
  vendors: readonly Vendor[],
  file: FenceFile,
  options: EraseOptions = {},
): Promise<Reapplied> {
  await requireFenceReaders(client)
  await transaction(client, () => importFence(client, file))
  await client.query('analyze erasures')
  await waitForWriters(client, options.signal)
  let [found, rowsDeleted, rowsLeft] = [0, 0, 0]
  for (const vendor of vendors) {
    const persons = await fencedPersons(client, vendor)
    if (!persons) continue
    found += persons.owners.length + persons.users.length
    const { deleted, after } = await eraseFenced(client, persons, options)
    rowsDeleted += totalOf(deleted)
    rowsLeft += totalOf(after.counts)
  }
  if (rowsLeft === 0) await transaction(client, () => finishAll(client))
  return { ids: file.erasures.length, found, rowsDeleted, rowsLeft }
}
