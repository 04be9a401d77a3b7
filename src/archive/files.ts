import { createHash, hash, randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import { type ArchivedDelivery, type ArchivedFile, lineOf, parseLine } from './format.ts'
import { DamagedArchive, syncDirectory } from './manifest.ts'

/** What one file holds at most. */
export interface FileLimits {
  /** Bytes of bodies, before compression. */
  readonly bytes: number
  readonly deliveries: number
}

export const FILE: FileLimits = { bytes: 64 * 2 ** 20, deliveries: 100_000 }

/**
 * Writes deliveries of one day, in order of their ids, into as many files as the limits ask for, and reads every file back.
 * Returns the files, which no manifest lists yet.
 */
export async function writeFiles(
  directory: string,
  day: string,
  deliveries: AsyncGenerator<ArchivedDelivery>,
  limits: FileLimits,
): Promise<ArchivedFile[]> {
  const files: ArchivedFile[] = []
  try {
    let next = await deliveries.next()
    while (!next.done) {
      const written = { deliveries: 0, body_bytes: 0, first_id: next.value.delivery_id, last_id: '' }
      const fits = ({ body }: ArchivedDelivery) =>
        written.deliveries < limits.deliveries && written.body_bytes + body.length <= limits.bytes
      async function* lines() {
        while (!next.done && (written.deliveries === 0 || fits(next.value))) {
          const { delivery_id, body } = next.value
          written.deliveries += 1
          written.body_bytes += body.length
          written.last_id = delivery_id
          yield lineOf(next.value)
          next = await deliveries.next()
        }
      }
      const { unfinished, sha256, bytes } = await writeCompressed(directory, day, lines())
      const number = String(files.length + 1).padStart(4, '0')
      const name = `${day}.${number}-${sha256.slice(0, 12)}.ndjson.gz`
      await rename(unfinished, join(directory, name))
      const file = { name, day, sha256, bytes, ...written }
      await verifyFile(directory, file)
      files.push(file)
    }
  } finally {
    await deliveries.return(undefined)
  }
  await syncDirectory(directory)
  return files
}

async function writeCompressed(directory: string, day: string, lines: AsyncGenerator<string>) {
  const unfinished = join(directory, `${day}.${randomUUID()}.tmp`)
  const sum = new Sum()
  try {
    // `flush`: the file is on disk when it is closed.
    const file = createWriteStream(unfinished, { flags: 'wx', mode: 0o600, flush: true })
    await pipeline(Readable.from(lines), createGzip(), (source) => sum.through(source), file)
  } catch (error) {
    await rm(unfinished, { force: true })
    throw error
  }
  return { unfinished, ...sum.result() }
}

/** Reads a file as far as its end. Throws `DamagedArchive` if it is not exactly what the manifest says. */
export async function verifyFile(directory: string, file: ArchivedFile): Promise<void> {
  for await (const _ of readFile(directory, file));
}

/**
 * Reads the deliveries of a file, each compared with its digest. Throws `DamagedArchive` as soon as something differs from
 * what the manifest says. The sum of the file is known only at its end: call `verifyFile` before anything is done with a delivery.
 */
export async function* readFile(
  directory: string,
  file: ArchivedFile,
): AsyncGenerator<ArchivedDelivery, void, undefined> {
  const path = join(directory, file.name)
  const size = (await stat(path).catch(() => null))?.size
  if (size === undefined) throw new DamagedArchive(path, 'it is missing')
  if (size !== file.bytes) throw new DamagedArchive(path, `it has ${size} bytes and not ${file.bytes}`)
  const sum = new Sum()
  const gunzip = createGunzip()
  // Errors of the pipeline are thrown by the loop that reads from it.
  const ending = pipeline(createReadStream(path), (source) => sum.through(source), gunzip).catch(() => {})
  let count = 0
  let last = ''
  try {
    for await (const line of linesOf(gunzip, path)) {
      const delivery = deliveryOf(line, path, count + 1)
      if (delivery.delivery_id <= last) throw new DamagedArchive(path, `line ${count + 1} is out of order`)
      last = delivery.delivery_id
      count += 1
      yield delivery
    }
    await ending
    const { sha256 } = sum.result()
    if (sha256 !== file.sha256) throw new DamagedArchive(path, 'its SHA-256 is not that of the manifest')
    if (count !== file.deliveries)
      throw new DamagedArchive(path, `it has ${count} deliveries and not ${file.deliveries}`)
  } finally {
    gunzip.destroy()
    await ending
  }
}

async function* linesOf(source: AsyncIterable<Buffer>, path: string): AsyncGenerator<string> {
  let rest: Buffer[] = []
  try {
    for await (const chunk of source) {
      let start = 0
      for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
        rest.push(chunk.subarray(start, end))
        yield Buffer.concat(rest).toString('utf8')
        rest = []
        start = end + 1
      }
      if (start < chunk.length) rest.push(chunk.subarray(start))
    }
  } catch (error) {
    throw new DamagedArchive(path, `it can't be read (${(error as NodeJS.ErrnoException).code})`)
  }
  if (rest.length > 0) throw new DamagedArchive(path, 'its last line is cut off')
}

const NEWLINE = 0x0a

function deliveryOf(line: string, path: string, nth: number): ArchivedDelivery {
  let delivery: ArchivedDelivery
  try {
    delivery = parseLine(line)
  } catch {
    // The message of the error may quote the line, which is health data.
    throw new DamagedArchive(path, `line ${nth} is not a delivery`)
  }
  if (hash('sha256', delivery.body, 'hex') !== delivery.body_digest)
    throw new DamagedArchive(path, `the body of line ${nth} does not have its digest`)
  return delivery
}

/** Counts and sums the bytes that pass. */
class Sum {
  readonly #hash = createHash('sha256')
  #bytes = 0

  async *through(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of source) {
      this.#hash.update(chunk)
      this.#bytes += chunk.length
      yield chunk
    }
  }

  result() {
    return { sha256: this.#hash.digest('hex'), bytes: this.#bytes }
  }
}
