const closing = new AbortController()

/** Is aborted when standard output has no reader any more. A command that only prints may stop then. */
export const outputClosed = closing.signal

/**
 * Takes the errors of the standard streams. A reader that goes away, as `head` does, is no error: what is written
 * afterwards is dropped, and the command goes on with its work. If the output can't be stored, because a disk is full, the
 * process ends with status 1.
 */
export function watchOutput(): void {
  for (const [name, stream] of [
    ['standard output', process.stdout],
    ['standard error', process.stderr],
  ] as const) {
    stream.on('error', ({ code, message }: NodeJS.ErrnoException) => {
      if (code !== 'EPIPE') {
        if (stream === process.stdout) process.stderr.write(`${name} can't be written: ${message}\n`)
        process.exit(1)
      }
      if (stream === process.stdout) closing.abort()
    })
  }
}

/** Writes to standard output. Resolves when the text is taken or has no reader. */
export async function print(text: string | Uint8Array): Promise<void> {
  if (text.length === 0 || outputClosed.aborted) return
  await new Promise<void>((resolve) => process.stdout.write(text, () => resolve()))
}

/** Columns of the terminal. Elsewhere `COLUMNS`, if it is exported, or 80. */
export function outputWidth(): number {
  const { columns } = process.stdout
  const set = Number(process.env.COLUMNS)
  if (columns !== undefined && columns > 0) return columns
  return Number.isInteger(set) && set > 0 ? set : 80
}

/** Prints a value as one JSON document. */
export function printJson(value: unknown, stream: NodeJS.WriteStream = process.stdout): void {
  stream.write(`${JSON.stringify(value, null, 2)}\n`)
}
