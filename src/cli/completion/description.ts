import type { Argument, Command, Option } from 'commander'

/** What follows an option or stands as an argument: nothing, one of some words, a file, or any text. */
export type Value = 'none' | 'text' | 'file' | readonly string[]

export interface OptionDescription {
  readonly long: string
  readonly short: string | undefined
  readonly about: string
  readonly value: Value
}

/** What a completion script says about a command. */
export interface CommandDescription {
  readonly name: string
  readonly about: string
  readonly options: readonly OptionDescription[]
  readonly argument: Value
}

/** Reads the description from the command's own declaration. */
export function describeCommand(command: Command): CommandDescription {
  const options = command.createHelp().visibleOptions(command)
  return {
    name: command.name(),
    about: command.summary(),
    options: options.flatMap((option) => {
      if (option.long === undefined) return []
      const { long, short, description } = option
      return [{ long, short, about: firstPart(description), value: optionValue(option) }]
    }),
    argument: argumentValue(command.registeredArguments[0]),
  }
}

function optionValue({ flags, required, optional, argChoices }: Option): Value {
  if (argChoices) return argChoices
  if (!required && !optional) return 'none'
  return /[<[](file|dir|directory)[>\]]/.test(flags) ? 'file' : 'text'
}

function argumentValue(argument: Argument | undefined): Value {
  if (!argument) return 'none'
  return argument.argChoices ?? 'text'
}

/** The part of a description before its first colon, semicolon or full stop, in one line. */
const firstPart = (text: string) =>
  text
    .replaceAll(/\s+/g, ' ')
    .split(/[:;.(] ?/)[0]
    ?.trim() ?? ''
