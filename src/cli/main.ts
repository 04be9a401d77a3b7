#!/usr/bin/env node
import { CommanderError } from 'commander'
import { watchOutput } from './output.ts'
import { createProgram } from './program.ts'

/** Exit statuses: docs/operations.md, "Command line". */
const WRONG = 1
const USED_WRONGLY = 2

watchOutput()
try {
  const program = await createProgram(process.argv.slice(2))
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) {
    // Commander has printed its message. Its status is 0 after --help and --version.
    process.exitCode = error.exitCode === 0 ? 0 : USED_WRONGLY
  } else {
    process.stderr.write(`${messageOf(error)}\n`)
    process.exitCode = WRONG
  }
}

/** Node's AggregateError for several refused addresses has an empty message. */
function messageOf(error: unknown): string {
  return error instanceof Error
    ? error.message || String((error as NodeJS.ErrnoException).code)
    : String(error)
}
