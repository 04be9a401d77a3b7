import { type Content, type Html, html } from '../html.ts'
import { numbers, pageOf, tableOf, timeOf } from '../layout.ts'
import type { DetailedArrival } from './details.ts'
import { type Filter, isFiltered, OUTCOMES, queryOf } from './filter.ts'
import type { Arrivals } from './read.ts'
import type { RefusedCount } from './refused.ts'
import { HEAD, rowOf } from './rows.ts'

interface ArrivalsPage extends Omit<Arrivals, 'arrivals'> {
  readonly arrivals: readonly DetailedArrival[]
  readonly filter: Filter
  /** Whether it begins with the latest delivery. */
  readonly isFirst: boolean
  readonly vendors: ReadonlyArray<{ readonly name: string; readonly events: readonly string[] }>
  readonly refused: readonly RefusedCount[]
}

export function arrivalsPage(page: ArrivalsPage): Html {
  const { arrivals, filter, isFirst, next, lookedBackTo } = page
  const live = isFirst && filter.to === ''
  return pageOf({
    title: 'Arrivals',
    at: '/',
    content: html`<div class="heading"><h1>Arrivals</h1>
${live && html`<p class="live" data-live="/live${queryOf(filter)}" role="status" hidden><span data-state>Connecting …</span> <button type="button" class="quiet" data-pause aria-pressed="false">Pause</button></p>`}
</div>
<div data-refused>${refusedOf(page.refused, isNews(page))}</div>
${filterForm(page)}
<div class="cards">${tableOf('Deliveries, the newest first', HEAD, arrivals.map(rowOf), html` data-rows`)}</div>
<p class="empty" data-empty${arrivals.length > 0 && html` hidden`}>${emptyText(filter, isFirst)}</p>
<nav class="pager" aria-label="Further deliveries">
${!isFirst && html`<a href="/${queryOf(filter)}">Newest</a>`}
${lookedBackTo && html`<span class="muted">Looked back to ${timeOf(lookedBackTo)}.</span>`}
${next && html`<a rel="next" href="/${queryOf(filter, { before: next })}">${lookedBackTo ? 'Look further back' : 'Older'}</a>`}
</nav>
<p class="keys muted" data-keys hidden><kbd>j</kbd> <kbd>k</kbd> next and previous · <kbd>Enter</kbd> open · <kbd>/</kbd> filter</p>`,
  })
}

/** Whether a request was refused after the latest delivery: then it is what the reader looks for. */
function isNews({ refused, arrivals: [latest] }: ArrivalsPage): boolean {
  return refused.some(({ lastAt }) => !latest || lastAt > latest.receivedAt)
}

function emptyText(filter: Filter, isFirst: boolean): Content {
  if (isFiltered(filter)) return html`No delivery fits the filter here. <a href="/">Show all</a>`
  if (!isFirst) return 'There are no older deliveries.'
  return html`Nothing has arrived yet. <a href="/connect">Connect</a> has the callback URLs, and in development it sends an example.`
}

/** A wrong key is the first mistake that everybody makes, and none of these requests is in the ledger. */
export function refusedOf(refused: readonly RefusedCount[], isOpen: boolean): Content {
  if (refused.length === 0) return null
  const total = refused.reduce((sum, { count }) => sum + count, 0)
  return html`<details class="notice bad"${isOpen && html` open`}><summary>${total} ${total === 1 ? 'request was' : 'requests were'} refused with 401 since the start</summary>
${refusedTable(refused)}
<p>Nothing of them is stored. <a href="/connect">Connect</a> says which settings are there.</p></details>`
}

export function refusedTable(refused: readonly RefusedCount[]): Html {
  const rows = refused.map(
    ({ vendor, reason, count, lastAt }) => html`<tr><th scope="row">${vendor}</th><td>${reason}</td>
<td class="number">${count}</td><td>${timeOf(lastAt)}</td></tr>`,
  )
  const head = ['Vendor', 'Reason', numbers('Requests'), 'Last']
  return tableOf('Refused requests since the start, by reason', head, rows)
}

function filterForm({ filter, vendors }: ArrivalsPage): Html {
  const options = (values: readonly string[], chosen: string) =>
    values.map((value) => html`<option${value === chosen && html` selected`}>${value}</option>`)
  const select = (name: 'vendor' | 'event' | 'outcome', label: string, values: readonly string[]) =>
    html`<div><label for="${name}">${label}</label><select id="${name}" name="${name}"><option value="">all</option>${options(values, filter[name])}</select></div>`
  const events = [...new Set(vendors.flatMap(({ events }) => events))]
  const known = filter.event === '' || events.includes(filter.event) ? events : [...events, filter.event]
  return html`<form class="filter" method="get" action="/" role="search" aria-label="Filter">
<div class="wide"><label for="user">User, owner or person</label><input id="user" name="user" value="${filter.user}" autocomplete="off" spellcheck="false" data-search></div>
${select(
  'vendor',
  'Vendor',
  vendors.map(({ name }) => name),
)}
${select('event', 'Event', known)}
${select('outcome', 'Outcome', OUTCOMES)}
<div><label for="from">From (UTC)</label><input id="from" name="from" type="datetime-local" value="${filter.from}"></div>
<div><label for="to">To (UTC)</label><input id="to" name="to" type="datetime-local" value="${filter.to}"></div>
<div class="actions"><button>Filter</button>${isFiltered(filter) && html` <a href="/">Show all</a>`}</div>
</form>`
}
