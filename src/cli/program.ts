import { Command, Help, type Option } from 'commander'
import { VERSION } from '../ops/version.ts'
import { commands, listed } from './commands.ts'

const HELP = `
Exit status: 0 done, 1 something is wrong or left, 2 used wrongly.

Examples:
  nightpost demo                                a first look, without any setting
  nightpost sql "select * from biomarkers"
  nightpost status --max-silence 24h
  nightpost help replay                         options and examples
`

/**
 * The description of an option with its default, save one that is no plain value: `(default: {})` says nothing, and the
 * description itself says what then holds.
 */
function optionDescription(this: Help, option: Option): string {
  const { defaultValue, defaultValueDescription } = option
  const isPlain = ['string', 'boolean'].includes(typeof defaultValue) || Number.isFinite(defaultValue)
  const isShown = isPlain || defaultValueDescription !== undefined
  const shown = isShown ? option : Object.assign(Object.create(option), { defaultValue: undefined })
  return Help.prototype.optionDescription.call(this, shown)
}

/** The program with its commands. Only those that `words`, the words of the command line, name are loaded. */
export async function createProgram(words: readonly string[]): Promise<Command> {
  const program = new Command('nightpost')
    .description('Webhook receiver for Asleep and Sahha. Settings come from the environment and from .env.')
    .version(VERSION)
    .exitOverride()
    .configureHelp({ optionDescription })
    .addHelpText('after', HELP)
  // The completion script lists the options of all commands.
  const isForAll = words.includes('completion')
  for (const entry of commands) {
    if (isForAll || words.includes(entry.name)) {
      const command = await entry.load()
      // A second program of the same process finds the commands with their version.
      if (command.version() === undefined) command.version(VERSION)
      program.addCommand(command.summary(entry.summary).copyInheritedSettings(program))
    } else {
      program.addCommand(listed(entry))
    }
  }
  return program
}
