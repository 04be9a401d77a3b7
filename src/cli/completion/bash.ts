import type { CommandDescription, Value } from './description.ts'

/**
 * A script for bash 3.2 or newer. It needs no other package, starts no process, and evaluates nothing of the command line.
 */
export function bashScript(commands: readonly CommandDescription[]): string {
  const values = commands.flatMap(({ name, options }) =>
    options
      .filter(({ value }) => value !== 'none')
      .map(({ long, short, value }) => {
        const pattern = [long, short].filter(Boolean).map((flag) => `${name}:${flag}`)
        return `    ${pattern.join('|')}) ${reply(value)}; return ;;`
      }),
  )
  const words = commands.map(({ name, options, argument }) => {
    const choices = typeof argument === 'string' ? [] : argument
    return `    ${name}) words='${[...choices, ...options.map(({ long }) => long)].join(' ')}' ;;`
  })
  return `# Completion of nightpost for bash. Written by: nightpost completion bash
_nightpost() {
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} command='' word words=''
  COMPREPLY=()
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    if [[ $word != -* ]]; then command=$word; break; fi
  done
  case "$command:$before" in
${values.join('\n')}
  esac
  case "$command" in
    '') words='${[...commands.map(({ name }) => name), 'help', '--help', '--version'].join(' ')}' ;;
    help) words='${commands.map(({ name }) => name).join(' ')}' ;;
${words.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _nightpost nightpost
`
}

function reply(value: Value): string {
  if (value === 'file') return 'COMPREPLY=($(compgen -f -- "$current"))'
  if (typeof value === 'string') return 'COMPREPLY=()'
  return `COMPREPLY=($(compgen -W '${value.join(' ')}' -- "$current"))`
}
