import { chmod, mkdir, readdir, rm, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Column } from '../columns.ts'
import type { Piece } from '../encoder.ts'
import type { Row } from '../read.ts'
import { fileSink, type Sink, type Written } from '../sink.ts'
import { csvEncoder, jsonEncoder } from '../text.ts'

export interface FolderFile extends Written {
  /** The path within the folder. */
  readonly name: string
  /** Rows or lines; null for a text. */
  readonly rows: number | null
  /** What it is, in a sentence. */
  readonly about: string
}

/** A new folder, which its owner alone can read. */
export class Folder {
  readonly path: string
  readonly files: FolderFile[] = []
  readonly #open = new Set<Sink>()
  readonly #directories: string[] = []

  private constructor(path: string) {
    this.path = path
  }

  /** Creates the folder, or takes one that is empty. Throws if something is in it. */
  static async create(path: string): Promise<Folder> {
    const folder = new Folder(path)
    const isNew = (await mkdir(path, { recursive: true, mode: 0o700 })) !== undefined
    if ((await readdir(path)).length > 0) throw new Error(`${path} is not empty. Give a new directory.`)
    if (isNew) folder.#directories.push(path)
    await chmod(path, 0o700)
    return folder
  }

  /** Writes one file; `write` returns the number of its rows. */
  async file(
    name: string,
    about: string,
    write: (put: (piece: Piece) => Promise<void>) => Promise<number | null>,
  ): Promise<void> {
    await this.#write([{ name, about }], ([put]) => write(put as (piece: Piece) => Promise<void>))
  }

  /** Writes rows as JSON and as CSV. Returns their number. */
  async table(
    name: string,
    about: string,
    columns: readonly Column[],
    batches: AsyncIterable<readonly Row[]>,
  ): Promise<number> {
    const encoders = [jsonEncoder(columns), csvEncoder(columns)]
    const outputs = ['json', 'csv'].map((ending) => ({ name: `${name}.${ending}`, about }))
    let count = 0
    await this.#write(outputs, async (puts) => {
      for (const [at, encoder] of encoders.entries()) await puts[at]?.(encoder.begin())
      for await (const rows of batches) {
        count += rows.length
        for (const [at, encoder] of encoders.entries()) await puts[at]?.(encoder.rows(rows))
      }
      for (const [at, encoder] of encoders.entries()) await puts[at]?.(encoder.end())
      return count
    })
    return count
  }

  async #write(
    outputs: ReadonlyArray<{ name: string; about: string }>,
    write: (puts: Array<(piece: Piece) => Promise<void>>) => Promise<number | null>,
  ): Promise<void> {
    const sinks: Sink[] = []
    for (const { name } of outputs) {
      const path = join(this.path, name)
      const made = await mkdir(dirname(path), { recursive: true, mode: 0o700 })
      if (made !== undefined) this.#directories.push(made)
      const sink = await fileSink(path)
      sinks.push(sink)
      this.#open.add(sink)
    }
    const rows = await write(sinks.map((sink) => (piece) => sink.write(piece)))
    for (const [at, sink] of sinks.entries()) {
      const { name, about } = outputs[at] as { name: string; about: string }
      const written = await sink.finish()
      this.#open.delete(sink)
      this.files.push({ name, rows, ...written, about })
    }
  }

  /** Removes what was written, and the folder if it was created. */
  async remove(): Promise<void> {
    for (const sink of this.#open) await sink.discard()
    for (const { name } of this.files) await rm(join(this.path, name), { force: true })
    // Something that somebody else put there stays.
    for (const directory of this.#directories.reverse()) await rmdir(directory).catch(() => {})
  }
}
