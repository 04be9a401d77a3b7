import type { CommandDescription, Value } from './description.ts'

/** A script for fish: a file in ~/.config/fish/completions. */
export function fishScript(commands: readonly CommandDescription[]): string {
  const names = commands.map(({ name }) => name).join(' ')
  const lines = commands.flatMap(({ name, about, options, argument }) => {
    const inside = `complete -c nightpost -n '__fish_seen_subcommand_from ${name}'`
    return [
      `complete -c nightpost -n __fish_use_subcommand -a ${name} -d ${quoted(about)}`,
      ...(typeof argument === 'string' ? [] : [`${inside} -a ${quoted(argument.join(' '))}`]),
      ...options.map(({ long, short, about, value }) =>
        [
          inside,
          `-l ${long.slice(2)}`,
          ...(short ? [`-s ${short.slice(1)}`] : []),
          ...valueFlags(value),
          `-d ${quoted(about)}`,
        ].join(' '),
      ),
    ]
  })
  return `# Completion of nightpost for fish. Written by: nightpost completion fish
complete -c nightpost -f
complete -c nightpost -n __fish_use_subcommand -a help -d 'display help for a command'
complete -c nightpost -n '__fish_seen_subcommand_from help' -a '${names}'
${lines.join('\n')}
`
}

function valueFlags(value: Value): string[] {
  if (value === 'none') return []
  if (value === 'file') return ['-r', '-F']
  return typeof value === 'string' ? ['-x'] : ['-x', `-a ${quoted(value.join(' '))}`]
}

const quoted = (text: string) => `'${text.replaceAll(/['\\]/g, '\\$&')}'`
