/** Limits of one chunk: the bytes of all bodies, and the number of deliveries. */
const CHUNK_BYTES = 8 * 2 ** 20
const CHUNK_DELIVERIES = 500

/** Gathers deliveries into chunks of bounded size, in their order. One that is larger than a chunk is a chunk of its own. */
export async function* inChunks<T>(all: AsyncIterable<T>, sizeOf: (one: T) => number): AsyncGenerator<T[]> {
  let chunk: T[] = []
  let bytes = 0
  for await (const one of all) {
    const size = sizeOf(one)
    if (chunk.length > 0 && (bytes + size > CHUNK_BYTES || chunk.length === CHUNK_DELIVERIES)) {
      yield chunk
      chunk = []
      bytes = 0
    }
    chunk.push(one)
    bytes += size
  }
  if (chunk.length > 0) yield chunk
}
