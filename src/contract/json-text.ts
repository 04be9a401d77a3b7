/** Parts of a JSON text as they are written, so that no number changes its digits. The text must be valid JSON. */

/** The texts of the elements of an array; none if the text is no array. */
export function elementsOf(text: string): string[] {
  return valuesIn(text, '[').map(({ value }) => value)
}

/** The text of a member of an object; undefined if there is none. If the object repeats a key, the last value counts. */
export function memberOf(text: string, key: string): string | undefined {
  return valuesIn(text, '{').findLast((member) => member.key === key)?.value
}

/** An object's text with further members before its own. */
export function withMembers(text: string, members: Readonly<Record<string, unknown>>): string {
  const own = text.trim().slice(1, -1).trim()
  const added = JSON.stringify(members).slice(1, -1)
  return `{${[added, own].filter((part) => part !== '').join(',')}}`
}

interface Value {
  readonly key: string | null
  readonly value: string
}

/** The values of the text's outermost array or object. */
function valuesIn(text: string, open: '[' | '{'): Value[] {
  const values: Value[] = []
  let at = skipSpace(text, 0)
  if (text[at] !== open) return values
  const close = open === '[' ? ']' : '}'
  at = skipSpace(text, at + 1)
  while (at < text.length && text[at] !== close) {
    let key: string | null = null
    if (open === '{') {
      const end = endOfValue(text, at)
      key = JSON.parse(text.slice(at, end)) as string
      at = skipSpace(text, skipSpace(text, end) + 1)
    }
    const end = endOfValue(text, at)
    values.push({ key, value: text.slice(at, end) })
    at = skipSpace(text, end)
    if (text[at] === ',') at = skipSpace(text, at + 1)
  }
  return values
}

/** The position after the value that begins at `from`. */
function endOfValue(text: string, from: number): number {
  let depth = 0
  for (let at = from; at < text.length; at += 1) {
    const char = text[at] as string
    if (char === '"') at = endOfString(text, at) - 1
    else if (char === '{' || char === '[') depth += 1
    else if (char === '}' || char === ']') depth -= 1
    else if (depth === 0 && (isSpace(char) || char === ',' || char === ':')) return at
    if (depth < 0) return at
    if (depth === 0 && '}]"'.includes(char)) return at + 1
  }
  return text.length
}

function endOfString(text: string, from: number): number {
  let at = from + 1
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at + 1
}

function skipSpace(text: string, from: number): number {
  let at = from
  while (isSpace(text[at])) at += 1
  return at
}

const isSpace = (char: string | undefined) => char === ' ' || char === '\n' || char === '\r' || char === '\t'
