/** A piece of HTML that is safe to be sent as it is. Only `html` and `raw` make one. */
export class Html {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  toString(): string {
    return this.text
  }
}

/** What may stand in a template. Text is escaped; null, undefined and false are nothing. */
export type Content = Html | string | number | bigint | null | undefined | false | readonly Content[]

/** A template of HTML. Every value is escaped unless it is HTML itself, in text and in attributes in double quotes. */
export function html(parts: TemplateStringsArray, ...values: Content[]): Html {
  let text = parts[0] as string
  for (const [at, value] of values.entries()) text += render(value) + parts[at + 1]
  return new Html(text)
}

/** Text that is HTML already, such as a drawing. It must not contain text of a request or of the database unescaped. */
export const raw = (text: string) => new Html(text)

function render(value: Content): string {
  if (value === null || value === undefined || value === false) return ''
  if (value instanceof Html) return value.text
  if (typeof value === 'object') return value.map(render).join('')
  return escaped(String(value))
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

const escaped = (text: string) => text.replace(/[&<>"']/g, (character) => ENTITIES[character] as string)
