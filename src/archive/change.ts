import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { FILE, type FileLimits, readFile, writeFiles } from './files.ts'
import type { ArchivedDelivery, ArchivedFile } from './format.ts'
import { readArchive, removeUnlisted, writeManifest } from './manifest.ts'

/** What becomes of a delivery: the same object if nothing changes, another one, or null if it goes. */
export type Change = (delivery: ArchivedDelivery) => ArchivedDelivery | null

/**
 * Writes the days of an archive anew of which a delivery changes, and removes their former files. Returns how many deliveries
 * changed or went. An interrupted run leaves a valid archive, and is run again. The caller holds the lock of `archive`. Throws
 * `DamagedArchive` if a file is not what the manifest says.
 */
export async function changeArchive(
  directory: string,
  change: Change,
  { signal, limits = FILE }: { readonly signal?: AbortSignal; readonly limits?: FileLimits } = {},
): Promise<number> {
  let files = await readArchive(directory)
  await removeUnlisted(directory, files)
  let changed = 0
  for (const day of new Set(files.map((file) => file.day))) {
    signal?.throwIfAborted()
    const before = files.filter((file) => file.day === day)
    const count = await countChanges(directory, before, change)
    if (count === 0) continue
    const after = await writeFiles(directory, day, changedDeliveries(directory, before, change), limits)
    files = [...files.filter((file) => file.day !== day), ...after]
    await writeManifest(directory, files)
    const kept = new Set(after.map(({ name }) => name))
    for (const { name } of before) if (!kept.has(name)) await rm(join(directory, name), { force: true })
    changed += count
  }
  return changed
}

/** Counts the changes. It reads each file to its end, so that a damaged one is not written anew. */
async function countChanges(
  directory: string,
  files: readonly ArchivedFile[],
  change: Change,
): Promise<number> {
  let count = 0
  for (const file of files)
    for await (const delivery of readFile(directory, file)) if (change(delivery) !== delivery) count += 1
  return count
}

async function* changedDeliveries(
  directory: string,
  files: readonly ArchivedFile[],
  change: Change,
): AsyncGenerator<ArchivedDelivery> {
  for (const file of files) {
    for await (const delivery of readFile(directory, file)) {
      const changed = change(delivery)
      if (changed) yield changed
    }
  }
}
