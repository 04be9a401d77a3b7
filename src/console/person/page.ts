import { drawSvg } from '../../hypnogram/svg.ts'
import { drawDaysSvg } from '../../hypnogram/svg-days.ts'
import type { SvgOptions } from '../../hypnogram/svg-document.ts'
import type { DetailedArrival } from '../arrivals/details.ts'
import { HEAD, rowOf } from '../arrivals/rows.ts'
import { type Content, type Html, html, raw } from '../html.ts'
import { commandOf, numbers, pageOf, tableOf, timeOf } from '../layout.ts'
import { chartsOf } from './charts.ts'
import type { Heard, Identity, Score, Sleep } from './read.ts'

export interface PeoplePage {
  readonly query: string
  /** The persons that the query means; null without a query. */
  readonly found: readonly string[] | null
  readonly heard: readonly Heard[]
}

export function peoplePage({ query, found, heard }: PeoplePage): Html {
  const rows = heard.map(
    ({ personId, vendors, lastReceivedAt }) => html`<tr><th scope="row" class="id">${linkTo(personId)}</th>
<td>${vendors.join(', ')}</td><td>${timeOf(lastReceivedAt)}</td></tr>`,
  )
  return pageOf({
    title: 'People',
    at: '/people',
    content: html`<h1>People</h1>
<form class="filter" method="get" action="/people" role="search" aria-label="Find a person">
<div class="wide"><label for="q">Id of a person, or of an owner at a vendor</label><input id="q" name="q" value="${query}" autocomplete="off" spellcheck="false" required data-search></div>
<div class="actions"><button>Find</button></div></form>
${found?.length === 0 && html`<p class="notice warn" role="status">Nobody with this id is known. It must be the whole id.</p>`}
${found && found.length > 1 && html`<ul>${found.map((id) => html`<li>${linkTo(id)}</li>`)}</ul>`}
<h2>In the latest deliveries</h2>
${heard.length > 0 ? tableOf('Persons in the latest deliveries', ['Person', 'Vendors', 'Last heard'], rows, html` data-rows`) : html`<p class="empty">Nobody has been heard of yet.</p>`}`,
  })
}

const linkTo = (id: string): Html =>
  html`<a href="/person?${new URLSearchParams({ id }).toString()}">${id}</a>`

export interface PersonPage {
  readonly personId: string
  readonly identities: readonly Identity[]
  readonly deliveries: readonly DetailedArrival[]
  readonly showsValues: boolean
  readonly revealed?: {
    readonly sleep: readonly Sleep[]
    readonly scores: readonly Score[]
    readonly days: ReadonlyArray<Readonly<Record<string, unknown>> & { readonly date: string }>
  }
}

export function personPage({ personId, identities, deliveries, showsValues, revealed }: PersonPage): Html {
  const ids = identities.map(
    ({ vendor, owner, userId, isLinked, firstReceivedAt }) => html`<tr><th scope="row">${vendor}</th>
<td class="id">${owner}</td><td class="id">${userId || '–'}</td><td>${isLinked ? 'linked' : 'equal ids'}</td><td>${timeOf(firstReceivedAt)}</td></tr>`,
  )
  return pageOf({
    title: 'Person',
    at: '/people',
    content: html`<p class="crumb"><a href="/people">People</a></p>
<h1 class="id">${personId}</h1>
${tableOf('Ids of the person', ['Vendor', 'Owner', 'User', 'Because of', 'First heard'], ids)}
${revealed ? valuesOf(revealed) : hiddenOf(personId, showsValues)}
<section aria-labelledby="deliveries"><h2 id="deliveries">Deliveries</h2>
<div class="cards">${tableOf('Latest deliveries of the person', HEAD, deliveries.map(rowOf), html` data-rows`)}</div>
<p><a href="/?${new URLSearchParams({ user: personId }).toString()}">All deliveries of the person</a></p></section>
<section aria-labelledby="rights"><h2 id="rights">Export and erase</h2>
<p>These commands give out all that is held about the person, and show what an erasure would remove. Without <code>--dry-run</code> it removes it.</p>
${identities.map(({ vendor, owner }) => [commandOf(`nightpost export --person --vendor ${vendor} --owner ${quoted(owner)} --out person`), commandOf(`nightpost erase --vendor ${vendor} --owner ${quoted(owner)} --dry-run`)])}</section>`,
  })
}

const quoted = (text: string) => (/^[\w.@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`)

function hiddenOf(personId: string, showsValues: boolean): Html {
  if (!showsValues)
    return html`<p class="muted">This console shows no health values: <code>CONSOLE_BODIES=off</code>.</p>`
  return html`<section aria-labelledby="values"><h2 id="values">Health values</h2>
<p>Nights, scores and biomarkers are hidden. Whoever shows them leaves a line in the log, with a hash of the id and without a value.</p>
<form method="post" action="/person"><input type="hidden" name="id" value="${personId}"><button>Show the health values</button></form></section>`
}

function valuesOf({ sleep, scores, days }: NonNullable<PersonPage['revealed']>): Html {
  const charts = chartsOf(days)
  const [first, last] = [days[0]?.date, days.at(-1)?.date]
  const nights = sleep.flatMap((one, at) => sleepOf(one, `sleep-${at}`))
  return html`<section aria-labelledby="nights"><h2 id="nights">Nights</h2>
${nights.length > 0 ? nights : html`<p class="muted">No night is stored.</p>`}</section>
<section aria-labelledby="scores"><h2 id="scores">Scores</h2>
${scores.length > 0 ? html`<div class="scores">${scores.map(scoreOf)}</div>` : html`<p class="muted">No score is stored.</p>`}</section>
<section aria-labelledby="biomarkers"><h2 id="biomarkers">Day by day</h2>
${charts.length > 0 ? html`<p class="muted">${first} to ${last}, in the person's own days.</p><div class="charts">${charts}</div>` : html`<p class="muted">No day is stored.</p>`}</section>`
}

function sleepOf({ days, last, underWay }: Sleep, prefix: string): Content[] {
  return [
    ...underWay.map((session, at) =>
      bothWidths((options) => drawSvg(session, options), `${prefix}-now-${at}`),
    ),
    ...(last ? [bothWidths((options) => drawSvg(last, options), `${prefix}-last`)] : []),
    ...(days ? [bothWidths((options) => drawDaysSvg(days, options), `${prefix}-days`)] : []),
  ]
}

/** A drawing for a wide and for a narrow screen. The style sheet shows one of them, also to a screen reader. */
function bothWidths(draw: (options: SvgOptions) => string, prefix: string): Html {
  const common = { ids: false, style: false }
  return html`<div class="drawing wide-only">${raw(draw({ ...common, width: 1000, prefix: `${prefix}-wide` }))}</div>
<div class="drawing narrow-only">${raw(draw({ ...common, width: 360, prefix: `${prefix}-narrow` }))}</div>`
}

function scoreOf({ type, score, state, date, factors }: Score): Html {
  const rows = factors.map(
    (
      factor,
    ) => html`<tr><th scope="row">${inWords(factor.name)}</th><td class="number">${numberOf(factor.value)} ${factor.unit ?? ''}</td>
<td class="number">${numberOf(factor.goal)}</td><td class="number">${numberOf(factor.score)}</td><td>${factor.state}</td></tr>`,
  )
  return html`<div class="score"><h3>${inWords(type)}</h3>
<p><strong>${score === null ? '–' : Math.round(score * 100)}</strong> <span class="muted">of 100</span> ${state && html`<span class="state">${state}</span>`} <span class="muted">${date}</span></p>
${rows.length > 0 && html`<details><summary>${rows.length} factors</summary>${tableOf(`Factors of ${inWords(type)}`, ['Factor', numbers('Value'), numbers('Goal'), numbers('Score'), 'State'], rows)}</details>`}</div>`
}

const inWords = (name: string | null) => (name ?? '–').replaceAll('_', ' ')

const numberFormat = new Intl.NumberFormat('en-GB', { maximumFractionDigits: 2 })

const numberOf = (value: number | null) => (value === null ? '–' : numberFormat.format(value))
