/**
 * Postgres' `hashtext`: the hash by which Citus finds the shard of a text. It is computed here, because a question for each
 * delivery would cost a round trip. Little-endian, as on every platform that Citus is built for.
 */
export function hashText(text: string): number {
  const bytes = Buffer.from(text, 'utf8')
  const { length } = bytes
  let a = (0x9e3779b9 + length + 3923095) | 0
  let b = a
  let c = a
  let at = 0
  for (; length - at >= 12; at += 12) {
    a = (a + bytes.readInt32LE(at)) | 0
    b = (b + bytes.readInt32LE(at + 4)) | 0
    c = (c + bytes.readInt32LE(at + 8)) | 0

    a = (a - c) ^ rotate(c, 4)
    c = (c + b) | 0
    b = (b - a) ^ rotate(a, 6)
    a = (a + c) | 0
    c = (c - b) ^ rotate(b, 8)
    b = (b + a) | 0
    a = (a - c) ^ rotate(c, 16)
    c = (c + b) | 0
    b = (b - a) ^ rotate(a, 19)
    a = (a + c) | 0
    c = (c - b) ^ rotate(b, 4)
    b = (b + a) | 0
  }
  for (let nth = 0; at + nth < length; nth += 1) {
    const byte = bytes[at + nth] as number
    if (nth < 4) a = (a + (byte << (8 * nth))) | 0
    else if (nth < 8) b = (b + (byte << (8 * (nth - 4)))) | 0
    // The lowest byte of c is reserved for the length.
    else c = (c + (byte << (8 * (nth - 7)))) | 0
  }
  c = ((c ^ b) - rotate(b, 14)) | 0
  a = ((a ^ c) - rotate(c, 11)) | 0
  b = ((b ^ a) - rotate(a, 25)) | 0
  c = ((c ^ b) - rotate(b, 16)) | 0
  a = ((a ^ c) - rotate(c, 4)) | 0
  b = ((b ^ a) - rotate(a, 14)) | 0
  return ((c ^ b) - rotate(b, 24)) | 0
}

const rotate = (word: number, bits: number) => (word << bits) | (word >>> (32 - bits))
