import { Argument, Command } from 'commander'
import { bashScript } from './completion/bash.ts'
import { describeCommand } from './completion/description.ts'
import { fishScript } from './completion/fish.ts'
import { zshScript } from './completion/zsh.ts'

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript }

const HELP = `
Examples:
  nightpost completion bash > /etc/bash_completion.d/nightpost
  nightpost completion zsh > "\${fpath[1]}/_nightpost"
  nightpost completion fish > ~/.config/fish/completions/nightpost.fish
  source <(nightpost completion bash)           for this shell only
`

export const completionCommand = new Command('completion')
  .description('Print the script that completes the commands and options of nightpost in a shell.')
  .addArgument(new Argument('<shell>', 'the shell').choices(Object.keys(SCRIPTS)))
  .addHelpText('after', HELP)
  .action((shell: keyof typeof SCRIPTS, _options: object, command: Command) => {
    const all = command.parent?.commands ?? []
    process.stdout.write(SCRIPTS[shell](all.map(describeCommand)))
  })
