import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { timeOfId } from '../db/uuid-time.ts'
import { type ArchivedFile, type Manifest, parseManifest } from './format.ts'

const NAME = 'manifest.json'

/** The archive can't be used. The message names the file. */
export class DamagedArchive extends Error {
  override readonly name = 'DamagedArchive'

  constructor(file: string, reason: string) {
    super(`${file} is damaged: ${reason}.`)
  }
}

const FILE_NAME = /^\d{4}-\d\d-\d\d\.\d{4,}-[0-9a-f]{12}\.ndjson\.gz$/
const UNFINISHED_NAME = /^\d{4}-\d\d-\d\d\.[0-9a-f-]{36}\.tmp$/

/**
 * Returns the files of the archive in a directory. Creates the directory, readable by its owner alone, and an empty manifest,
 * if there are none. Throws if files of an archive are there without a manifest: they would look like those of an
 * interrupted run.
 */
export async function openArchive(directory: string): Promise<ArchivedFile[]> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const files = await filesOf(directory)
  if (files) return files
  const [file] = (await readdir(directory)).filter((name) => FILE_NAME.test(name))
  if (file)
    throw new Error(
      `${directory} has files of an archive, such as ${file}, but no ${NAME}. Restore the manifest.`,
    )
  await writeManifest(directory, [])
  return []
}

/** Removes what an interrupted run left, and the former files of days that were written anew. */
export async function removeUnlisted(directory: string, files: readonly ArchivedFile[]): Promise<void> {
  const listed = new Set(files.map(({ name }) => name))
  for (const name of await readdir(directory)) {
    const isOurs = FILE_NAME.test(name) || UNFINISHED_NAME.test(name)
    if (isOurs && !listed.has(name)) await rm(join(directory, name), { force: true })
  }
}

/** The files of the archive in the order of their deliveries; null if there is no manifest. */
async function filesOf(directory: string): Promise<ArchivedFile[] | null> {
  const path = join(directory, NAME)
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  try {
    return parseManifest(text).files
  } catch (error) {
    throw new DamagedArchive(path, (error as Error).message)
  }
}

/** The files of the archive in a directory. Throws if there is none. */
export async function readArchive(directory: string): Promise<ArchivedFile[]> {
  const files = await filesOf(directory)
  if (!files) throw new Error(`${directory} is no archive: it has no ${NAME}.`)
  return files
}

/** Replaces the manifest. The files that it lists must be on disk. */
export async function writeManifest(directory: string, files: readonly ArchivedFile[]): Promise<Manifest> {
  const sorted = [...files].sort((a, b) => (a.first_id < b.first_id ? -1 : 1))
  const timeOf = (id: string | undefined) => (id === undefined ? null : new Date(timeOfId(id)).toISOString())
  const sum = (of: (file: ArchivedFile) => number) => sorted.reduce((all, file) => all + of(file), 0)
  const manifest: Manifest = {
    format: 'nightpost archive',
    version: 1,
    period: { first: timeOf(sorted[0]?.first_id), last: timeOf(sorted.at(-1)?.last_id) },
    deliveries: sum(({ deliveries }) => deliveries),
    body_bytes: sum(({ body_bytes }) => body_bytes),
    files: sorted,
  }
  const path = join(directory, NAME)
  const unfinished = `${path}.tmp`
  const file = await open(unfinished, 'w', 0o600)
  try {
    await file.writeFile(`${JSON.stringify(manifest, null, 2)}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(unfinished, path)
  await syncDirectory(directory)
  return manifest
}

/** Makes renames in a directory survive a loss of power. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
