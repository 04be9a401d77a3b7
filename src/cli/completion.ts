import tab from '@bomb.sh/tab'
import { Argument, Command } from 'commander'

const SHELLS = ['bash', 'zsh', 'fish']

const HELP = `
Examples:
  nightpost completion bash > /etc/bash_completion.d/nightpost
  nightpost completion zsh > "\${fpath[1]}/_nightpost"
  nightpost completion fish > ~/.config/fish/completions/nightpost.fish
  source <(nightpost completion bash)           for this shell only
`

export const completionCommand = new Command('completion')
  .description('Print the script that completes commands and options of nightpost in a shell.')
  .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
  .addHelpText('after', HELP)
  .action((shell: string) => tab.setup('nightpost', 'nightpost', shell))

/**
 * The hidden command that the scripts call with the words of the command line so far. It prints what may follow: one
 * candidate and its description per line.
 */
export function completeCommand(program: Command): Command {
  return new Command('complete')
    .argument('[words...]')
    .allowUnknownOption()
    .helpOption(false)
    .action((words: string[]) => {
      for (const command of program.commands) {
        if (command.name() === 'complete') continue
        const entry = tab.command(command.name(), command.summary())
        for (const option of command.createHelp().visibleOptions(command)) {
          const name = option.long?.slice(2)
          if (name === undefined) continue
          const short = option.short?.slice(1)
          if (option.isBoolean()) entry.option(name, option.description, short)
          else {
            const choices = option.argChoices ?? []
            entry.option(
              name,
              option.description,
              (complete) => {
                for (const choice of choices) complete(choice, '')
              },
              short,
            )
          }
        }
        for (const argument of command.registeredArguments) {
          const choices = argument.argChoices ?? []
          entry.argument(argument.name(), (complete) => {
            for (const choice of choices) complete(choice, '')
          })
        }
      }
      tab.parse(words)
    })
}
