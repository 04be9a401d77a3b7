import { type Content, Html, html } from './html.ts'

/** The pages that the navigation names, in its order. */
const PAGES = [
  ['/', 'Arrivals'],
  ['/people', 'People'],
  ['/health', 'Health'],
  ['/connect', 'Connect'],
] as const

export interface Page {
  readonly title: string
  /** The path of the navigation that the page belongs to. */
  readonly at?: (typeof PAGES)[number][0]
  readonly content: Content
}

/** A page for somebody who is logged in. */
export function pageOf({ title, at, content }: Page): Html {
  const links = PAGES.map(
    ([path, name]) =>
      html`<li><a href="${path}"${at === path && html` aria-current="page"`}>${name}</a></li>`,
  )
  return documentOf(
    title,
    html`<header class="top">
<a class="skip" href="#main">Skip to the content</a>
<a class="brand" href="/">${MOON} Nightpost</a>
<nav aria-label="Pages"><ul>${links}</ul></nav>
<p class="zone">Times in <span data-zone>UTC</span></p>
<form method="post" action="/logout"><button class="quiet">Log out</button></form>
</header>
<main id="main" tabindex="-1">${content}</main>`,
  )
}

/** A page without navigation: the login, and what is said without one. */
export const barePageOf = (title: string, content: Content): Html =>
  documentOf(title, html`<main id="main" class="bare">${content}</main>`)

const MOON = new Html(
  '<svg aria-hidden="true" viewBox="0 0 16 16" width="16" height="16"><path d="M11.5 10.9A5.6 5.6 0 0 1 6 2.2a6 6 0 1 0 7.8 7.9 5.6 5.6 0 0 1-2.3.8z" fill="currentColor"/></svg>',
)

const documentOf = (title: string, body: Html): Html => html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · Nightpost</title>
<link rel="icon" href="/static/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/static/console.css">
<link rel="stylesheet" href="/hypnogram.css">
<script src="/static/console.js" defer></script>
</head>
<body>
${body}
</body>
</html>
`

/** A time. The script writes it in the viewer's zone. */
export function timeOf(at: Date | null, shows: 'second' | 'millisecond' = 'second'): Html {
  if (!at) return html`–`
  const iso = at.toISOString()
  const text = iso.slice(0, shows === 'second' ? 19 : 23).replace('T', ' ')
  return html`<time datetime="${iso}" data-shows="${shows}">${text}</time>`
}

/** What became of a delivery, as a word that colour only repeats. */
export const outcomeOf = (outcome: string): Html =>
  html`<span class="outcome outcome-${outcome}">${outcome}</span>`

/** A table that scrolls by itself where the screen is narrow, and that the keyboard reaches. */
export const tableOf = (
  label: string,
  head: ReadonlyArray<Content | Numbers>,
  rows: Content,
  more: Content = null,
): Html =>
  html`<div class="table" tabindex="0" role="region" aria-label="${label}"><table>
<thead><tr>${head.map(headOf)}</tr></thead>
<tbody${more}>${rows}</tbody>
</table></div>`

/** A column of numbers, which stand at its right side. */
export interface Numbers {
  readonly numbers: string
}

export const numbers = (name: string): Numbers => ({ numbers: name })

function headOf(name: Content | Numbers): Html {
  const isNumbers = typeof name === 'object' && name !== null && 'numbers' in name
  return isNumbers
    ? html`<th scope="col" class="number">${name.numbers}</th>`
    : html`<th scope="col">${name}</th>`
}

/** Names and values. */
export const factsOf = (facts: ReadonlyArray<readonly [name: Content, value: Content]>): Html =>
  html`<dl class="facts">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`

/** A command to copy. */
export const commandOf = (command: string): Html =>
  html`<div class="command"><pre tabindex="0"><code>${command}</code></pre><button type="button" class="quiet" data-copy hidden>Copy</button></div>`

/** Bytes as a person reads them. */
export function sizeOf(bytes: number | null): string {
  if (bytes === null) return '–'
  if (bytes < 1024) return `${bytes} B`
  const units = ['KB', 'MB', 'GB', 'TB']
  let [value, unit] = [bytes / 1024, 0]
  while (value >= 1024 && unit < units.length - 1) [value, unit] = [value / 1024, unit + 1]
  return `${value.toFixed(value < 10 ? 1 : 0)} ${units[unit]}`
}

/** Milliseconds as a person reads them. */
export function durationOf(milliseconds: number): string {
  if (milliseconds < 0) return "none: the vendor's clock is ahead"
  const seconds = milliseconds / 1000
  if (seconds < 120) return `${seconds.toFixed(1)} s`
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h`
  return `${Math.round(seconds / 86_400)} d`
}
