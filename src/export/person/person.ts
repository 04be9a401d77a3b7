import { join } from 'node:path'
import type pg from 'pg'
import type { Vendor } from '../../contract/vendor.ts'
import { findRelation } from '../columns.ts'
import { beginExport, readRows } from '../read.ts'
import { quoted } from '../select.ts'
import { writeBodies } from './bodies.ts'
import { Folder, type FolderFile } from './folder.ts'
import { bodiesOf, entriesOf, quarantinedOf, quarantineEntries, type Table } from './ledger.ts'
import { type Described, readmeText } from './readme.ts'
import { type Subject, subjectOf, subjectsOf, tablesOf, type VendorTables } from './subject.ts'

export interface PersonExport {
  readonly vendor: Vendor
  readonly who: { readonly owner: string } | { readonly externalId: string }
  /** A new or empty directory. */
  readonly directory: string
  /** `BODY_LIMIT_BYTES`: the maximum of an unpacked body. */
  readonly bodyLimit: number
  readonly signal: AbortSignal
  readonly onProgress: (rows: number) => void
}

export interface ExportedFolder {
  readonly path: string
  /** Rows of the vendor's tables. */
  readonly rows: number
  readonly deliveries: number
  readonly bodies: number
  readonly files: number
  readonly bytes: number
}

export interface ExportedPerson {
  readonly vendor: string
  /** Empty if nothing is held about the person. */
  readonly folders: readonly ExportedFolder[]
}

/** Views that show the tables as a person would read them, where they have the vendor's owner column. */
const VIEWS = ['sleep_nights', 'sleep_stage_intervals', 'daily_biomarkers', 'user_days']

/**
 * Writes everything that is held about a person, as one state of the database has it. Whoever is named by an external id gets
 * a folder for each profile. Nothing of it stays if it fails.
 */
export async function exportPerson(client: pg.ClientBase, options: PersonExport): Promise<ExportedPerson> {
  const { vendor, who, directory, bodyLimit } = options
  await beginExport(client)
  const where: VendorTables = { vendor, bodyLimit, tables: tablesOf(vendor) }
  const top = await Folder.create(directory)
  const made: Folder[] = []
  const folders: ExportedFolder[] = []
  try {
    const isOne = 'owner' in who
    const subjects = isOne
      ? [await subjectOf(client, where, who.owner)]
      : await subjectsOf(client, where, who.externalId)
    for (const [at, subject] of subjects.entries()) {
      const name = subject.owner === null ? 'without-profile' : `profile-${at + 1}`
      const folder = isOne ? top : await Folder.create(join(directory, name))
      made.push(folder)
      const written = await writeSubject(client, folder, subject, where, options)
      if (written) folders.push(written)
      else await folder.remove()
    }
    if (folders.length === 0) await top.remove()
    return { vendor: vendor.name, folders }
  } catch (error) {
    for (const folder of [...made].reverse()) await folder.remove()
    await top.remove()
    throw error
  }
}

/** Writes one folder. Returns null if nothing is held. */
async function writeSubject(
  client: pg.ClientBase,
  folder: Folder,
  subject: Subject,
  where: VendorTables,
  { signal, onProgress }: PersonExport,
): Promise<ExportedFolder | null> {
  const { vendor, bodyLimit } = where
  const described: Described[] = []
  let shown = 0
  const write = async (name: string, { about, columns, select }: Table): Promise<number> => {
    const count = await folder.table(name, about, columns, readRows(client, select, signal))
    described.push({ name, about, columns })
    shown += count
    onProgress(shown)
    return count
  }

  const deliveries = await write('deliveries', await entriesOf(client, vendor, subject))
  const quarantined: string[] = []
  async function* bodies() {
    for await (const one of bodiesOf(client, vendor, subject, signal)) yield { ...one, isQuarantined: false }
    for await (const one of quarantinedOf(client, vendor, subject, { bodyLimit, signal })) {
      quarantined.push(one.delivery_id)
      yield { ...one, isQuarantined: true }
    }
  }
  const bodyCount = await writeBodies(folder, bodies(), bodyLimit)
  if (quarantined.length > 0)
    await write('quarantine', await quarantineEntries(client, vendor, subject, quarantined))
  let rows = 0
  for (const { table, ownerColumn } of where.tables) {
    if (subject.owner === null) break
    rows += await write(`tables/${table}`, await rowsOf(client, table, ownerColumn, subject.owner))
  }
  if (rows + deliveries + bodyCount === 0) return null
  if (subject.owner !== null) {
    for (const [view, ownerColumn] of await viewsOf(client, where))
      await write(`views/${view}`, await rowsOf(client, view, ownerColumn, subject.owner))
    await write('views/people', await rowsOf(client, 'people', 'owner', subject.owner, vendor))
  }
  await writeTexts(client, folder, subject, vendor, described)
  const bytes = folder.files.reduce((sum, file) => sum + file.bytes, 0)
  return { path: folder.path, rows, deliveries, bodies: bodyCount, files: folder.files.length, bytes }
}

async function rowsOf(
  client: pg.ClientBase,
  name: string,
  ownerColumn: string,
  owner: string,
  vendor?: Vendor,
): Promise<Table> {
  const relation = await findRelation(client, quoted(name))
  if (!relation) throw new Error(`There is no table "${name}". Run: nightpost migrate`)
  const columns = relation.columns.map((column) => quoted(column.name)).join(', ')
  const text = `select ${columns} from ${relation.sqlName} where ${quoted(ownerColumn)} = $1${vendor ? ' and vendor = $2' : ''}`
  const values = vendor ? [owner, vendor.name] : [owner]
  return { about: relation.comment ?? '', columns: relation.columns, select: { text, values } }
}

/** The views that the vendor's owners have rows in. */
async function viewsOf(client: pg.ClientBase, { tables }: VendorTables): Promise<[string, string][]> {
  const owners = new Set(tables.map(({ ownerColumn }) => ownerColumn))
  const found: [string, string][] = []
  for (const view of VIEWS) {
    const columns = (await findRelation(client, view))?.columns ?? []
    const column = columns.find(({ name }) => owners.has(name))
    if (column) found.push([view, column.name])
  }
  return found
}

/** README.txt, and at the end manifest.json: a folder that has it is whole. */
async function writeTexts(
  client: pg.ClientBase,
  folder: Folder,
  { owner, names }: Subject,
  { name: vendor }: Vendor,
  described: readonly Described[],
): Promise<void> {
  const { rows } = await client.query(
    `select to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as time`,
  )
  const { time } = rows[0]
  const text = readmeText({ vendor, owner, time }, folder.files, described)
  await folder.file('README.txt', 'What each file and each column is.', async (put) => {
    await put(text)
    return null
  })
  const files: readonly FolderFile[] = [...folder.files]
  const manifest = { format: 'nightpost person', version: 1, vendor, owner, names, time, files }
  await folder.file('manifest.json', 'This list.', async (put) => {
    await put(`${JSON.stringify(manifest, null, 2)}\n`)
    return null
  })
}
