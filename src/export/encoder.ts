import type { Row } from './read.ts'

export type Piece = string | Uint8Array

/** Turns rows into the bytes of a file, piece by piece, so that a large one is never held as a whole. */
export interface Encoder {
  /** The beginning of the file. */
  begin(): Piece
  rows(rows: readonly Row[]): Piece
  end(): Piece
  /** Numbers that the format could not hold with all their digits. */
  readonly roundedNumbers?: number
}
