#!/usr/bin/env node
import { Command } from 'commander'
import { lastLoaded } from '../config/index.ts'
import { startError } from '../start/errors.ts'
import { demoCommand } from './demo.ts'
import { hypnogramCommand } from './hypnogram.ts'
import { migrateCommand } from './migrate.ts'
import { openapiCommand } from './openapi.ts'
import { replayCommand } from './replay.ts'
import { resetCommand } from './reset.ts'
import { simulateCommand } from './simulate.ts'
import { sqlCommand } from './sql.ts'
import { statusCommand } from './status.ts'

const program = new Command('nightpost')
  .description('Webhook receiver for Asleep and Sahha. Settings come from the environment and from .env.')
  .addCommand(statusCommand)
  .addCommand(sqlCommand)
  .addCommand(migrateCommand)
  .addCommand(replayCommand)
  .addCommand(simulateCommand)
  .addCommand(hypnogramCommand)
  .addCommand(demoCommand)
  .addCommand(resetCommand)
  .addCommand(openapiCommand)

try {
  await program.parseAsync()
} catch (error) {
  process.stderr.write(`${startError(error, lastLoaded())}\n`)
  process.exitCode = 1
}
