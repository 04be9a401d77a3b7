/** Breaks a text at spaces into lines of at most `length` characters. A longer word is broken too. */
export function wrapped(content: string, length: number): string[] {
  const lines = ['']
  for (const word of content.split(' ')) {
    const last = lines.at(-1) ?? ''
    const joined = last === '' ? word : `${last} ${word}`
    if (joined.length <= length) {
      lines[lines.length - 1] = joined
      continue
    }
    const pieces = word.match(new RegExp(`[^]{1,${Math.max(1, Math.floor(length))}}`, 'gu')) ?? []
    if (last === '') lines.pop()
    lines.push(...pieces)
  }
  return lines
}
