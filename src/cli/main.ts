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
    process.stderr.write(`${await messageOf(error)}\n`)
    process.exitCode = WRONG
  }
}

/** A message of several lines is written for the terminal already: `sql` shows the position of an error. */
async function messageOf(error: unknown): Promise<string> {
  if (error instanceof Error && error.message.includes('\n')) return error.message
  const [{ startError }, { lastLoaded }] = await Promise.all([
    import('../start/errors.ts'),
    import('../config/index.ts'),
  ])
  return startError(error, lastLoaded())
}
