import type { CommandDescription, OptionDescription, Value } from './description.ts'

/** A script for zsh: a file `_nightpost` in a directory of `fpath`, or to be sourced. */
export function zshScript(commands: readonly CommandDescription[]): string {
  const list = commands.map(({ name, about }) => `    ${quoted(`${name}:${about}`)}`)
  const cases = commands.map(({ name, options, argument }) => {
    const specs = [...options.map(optionSpec), ...argumentSpec(argument)]
    return `    ${name}) _arguments ${specs.map(quoted).join(' ')} ;;`
  })
  return `#compdef nightpost
# Completion of nightpost for zsh. Written by: nightpost completion zsh
_nightpost() {
  local -a commands
  commands=(
${list.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  shift words
  (( CURRENT-- ))
  case $words[1] in
    help) _describe command commands ;;
${cases.join('\n')}
  esac
}
if [ "$funcstack[1]" = _nightpost ]; then _nightpost "$@"; else compdef _nightpost nightpost; fi
`
}

function optionSpec({ long, about, value }: OptionDescription): string {
  const action = value === 'none' ? '' : `:${long.slice(2)}:${valueAction(value)}`
  return `*${long}[${about.replaceAll(/[[\]\\:]/g, '\\$&')}]${action}`
}

function argumentSpec(value: Value): string[] {
  return value === 'none' ? [] : [`1:argument:${valueAction(value)}`]
}

function valueAction(value: Value): string {
  if (value === 'file') return '_files'
  return typeof value === 'string' ? ' ' : `(${value.join(' ')})`
}

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`
