import { existsSync, readFileSync, writeFileSync } from 'node:fs'

const PAGE = 'docs/benchmarks.md'
const SECTION = /\n<!-- section (\w+) -->\n[\s\S]*?<!-- end of section \1 -->\n/g

/** Writes `text` to docs/benchmarks.md, and keeps the sections that other benchmarks wrote. */
export function writePage(text: string): void {
  const sections = existsSync(PAGE) ? [...readFileSync(PAGE, 'utf8').matchAll(SECTION)] : []
  writeFileSync(PAGE, text + sections.map(([section]) => section).join(''))
}

/** Replaces the section `name` of docs/benchmarks.md, or adds it; keeps the rest of the page. */
export function writeSection(name: string, text: string): void {
  const section = `\n<!-- section ${name} -->\n\n${text}\n<!-- end of section ${name} -->\n`
  const page = readFileSync(PAGE, 'utf8')
  const others = page.replace(SECTION, (found, other) => (other === name ? '' : found))
  writeFileSync(PAGE, others + section)
}
