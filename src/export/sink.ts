import { createHash, randomUUID } from 'node:crypto'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { syncDirectory } from '../archive/manifest.ts'
import type { Piece } from './encoder.ts'

export interface Written {
  readonly bytes: number
  /** SHA-256 in hex. */
  readonly sha256: string
}

/** Where the bytes of one file go. */
export interface Sink {
  write(piece: Piece): Promise<void>
  finish(): Promise<Written>
  /** Ends it without a file. */
  discard(): Promise<void>
}

/** Counts and sums what is written. */
class Sum {
  readonly #hash = createHash('sha256')
  #bytes = 0

  add(piece: Buffer): void {
    this.#hash.update(piece)
    this.#bytes += piece.length
  }

  result = (): Written => ({ bytes: this.#bytes, sha256: this.#hash.digest('hex') })
}

/** Standard output, or what else takes pieces. */
export function streamSink(write: (piece: Uint8Array) => Promise<void>): Sink {
  const sum = new Sum()
  return {
    async write(piece) {
      const bytes = Buffer.from(piece as string)
      sum.add(bytes)
      await write(bytes)
    },
    finish: async () => sum.result(),
    discard: async () => {},
  }
}

/** Pieces are gathered to this many bytes before they are written. */
const BUFFER = 256 * 2 ** 10

/**
 * A file, readable by its owner alone. It has a temporary name in the same directory until it is whole and on disk, and
 * replaces a file of its name then.
 */
export async function fileSink(path: string): Promise<Sink> {
  const unfinished = join(dirname(path), `.${basename(path)}.${randomUUID()}.tmp`)
  const file = await open(unfinished, 'wx', 0o600)
  const sum = new Sum()
  let pieces: Buffer[] = []
  let size = 0
  const flush = async () => {
    const all = Buffer.concat(pieces, size)
    pieces = []
    size = 0
    sum.add(all)
    await writeAll(file, all)
  }
  return {
    async write(piece) {
      if (piece.length === 0) return
      const bytes = Buffer.from(piece as string)
      pieces.push(bytes)
      size += bytes.length
      if (size >= BUFFER) await flush()
    },
    async finish() {
      await flush()
      await file.sync()
      await file.close()
      await rename(unfinished, path)
      await syncDirectory(dirname(path))
      return sum.result()
    },
    async discard() {
      await file.close().catch(() => {})
      await rm(unfinished, { force: true })
    },
  }
}

async function writeAll(file: FileHandle, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten
}
