import { createHash } from 'node:crypto'

/** Returns an advisory lock key: the first eight bytes of the SHA-256 digest of a name. */
export const lockNumber = (name: string) =>
  createHash('sha256').update(name).digest().readBigInt64BE().toString()
