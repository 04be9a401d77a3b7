import { isExactNumber } from '../../contract/exact-number.ts'
import { jsonText, readJson } from '../../contract/json.ts'
import { type Content, type Html, html } from '../html.ts'

/** Bytes of a body that are shown as a tree. A larger one can be downloaded. */
export const MOST_SHOWN_BYTES = 512 * 1024

/** Objects and lists that are further down, or longer, are folded. */
const OPEN_DEPTH = 3
const OPEN_LENGTH = 20

/** Elements of a list or an object that are shown, and levels. Anybody with a credential may send ten thousand levels. */
const MOST_ELEMENTS = 1_000
const MOST_LEVELS = 40

/** What is wrong, by the JSON pointer of the value. */
export type Faults = ReadonlyMap<string, string>

/**
 * A body as it is judged: laid out with all digits, and with what is wrong beside the value that it is about. What is no JSON object
 * is shown as the text that it is.
 */
export function bodyOf(text: string, faults: Faults): Html {
  let value: unknown
  try {
    value = readJson(Buffer.from(text))
  } catch {
    return html`<pre class="body" tabindex="0"><code>${text}</code></pre>`
  }
  return html`<div class="body json" tabindex="0" role="region" aria-label="Content of the body">${nodeOf(value, '', faults, 0)}</div>`
}

function nodeOf(value: unknown, path: string, faults: Faults, depth: number): Content {
  if (depth > MOST_LEVELS && typeof value === 'object')
    return html`<span class="null">… further levels</span>`
  if (Array.isArray(value)) return listOf(value, path, faults, depth)
  if (typeof value !== 'object' || value === null) return scalarOf(value)
  const entries = Object.entries(value)
  if (entries.length === 0) return '{}'
  const lines = entries.slice(0, MOST_ELEMENTS).map(([key, inner]) => {
    const at = `${path}/${pointerPart(key)}`
    return lineOf(html`<span class="key">${JSON.stringify(key)}</span>: `, inner, at, faults, depth)
  })
  return foldOf(['{', '}'], `${entries.length} ${entries.length === 1 ? 'field' : 'fields'}`, lines, {
    isOpen: depth < OPEN_DEPTH || hasFault(path, faults),
  })
}

function listOf(values: readonly unknown[], path: string, faults: Faults, depth: number): Content {
  if (values.length === 0) return '[]'
  const isScalar = values.every((value) => typeof value !== 'object' || value === null)
  const isOpen = values.length <= OPEN_LENGTH || hasFault(path, faults)
  const words = `${values.length} ${values.length === 1 ? 'value' : 'values'}`
  if (isScalar && !hasFault(`${path}/`, faults)) {
    const shown = values.slice(0, MOST_ELEMENTS).map((value) => jsonText(value))
    const rest = values.length > MOST_ELEMENTS ? `, … ${values.length - MOST_ELEMENTS} more` : ''
    return foldOf(['[', ']'], words, [html`<li class="run">${shown.join(', ')}${rest}</li>`], { isOpen })
  }
  const lines = values
    .slice(0, MOST_ELEMENTS)
    .map((value, at) => lineOf(null, value, `${path}/${at}`, faults, depth))
  return foldOf(['[', ']'], words, lines, { isOpen })
}

function lineOf(key: Content, value: unknown, path: string, faults: Faults, depth: number): Html {
  const fault = faults.get(path)
  if (fault === undefined) return html`<li>${key}${nodeOf(value, path, faults, depth + 1)}</li>`
  return html`<li class="wrong">${key}${nodeOf(value, path, faults, depth + 1)} <strong class="fault">${fault}</strong></li>`
}

const foldOf = (
  [open, close]: [string, string],
  words: string,
  lines: Html[],
  { isOpen }: { isOpen: boolean },
) =>
  html`<details${isOpen && html` open`}><summary>${open}<span class="folded"> ${words} ${close}</span></summary><ul>${lines}</ul><span class="close">${close}</span></details>`

const hasFault = (path: string, faults: Faults) => [...faults.keys()].some((fault) => fault.startsWith(path))

function scalarOf(value: unknown): Html {
  const kind = value === null ? 'null' : isExactNumber(value) ? 'number' : typeof value
  return html`<span class="${kind}">${jsonText(value)}</span>`
}

/** RFC 6901. */
const pointerPart = (key: string) => key.replaceAll('~', '~0').replaceAll('/', '~1')
