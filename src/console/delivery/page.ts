import type { Vendor } from '../../contract/vendor.ts'
import { type Content, type Html, html } from '../html.ts'
import {
  commandOf,
  durationOf,
  factsOf,
  numbers,
  outcomeOf,
  pageOf,
  sizeOf,
  tableOf,
  timeOf,
} from '../layout.ts'
import { curlOf } from './curl.ts'
import type { Delivery } from './read.ts'
import type { Replayed } from './replay.ts'
import { MOST_SHOWN, type TableRows } from './rows.ts'

/** What is shown after somebody asked for it. */
export interface Revealed {
  /** The body, laid out. */
  readonly body: Content
  readonly rows: ReadonlyMap<string, ReadonlyArray<Readonly<Record<string, string | null>>>>
}

export interface DeliveryPage {
  readonly delivery: Delivery
  readonly vendor: Vendor | undefined
  /** When the vendor says that it made the record; null if that is not known. */
  readonly createdAt: Date | null
  readonly tables: readonly TableRows[]
  readonly address: string
  readonly showsValues: boolean
  readonly hasBody: boolean
  readonly revealed?: Revealed
  readonly replayed?: Replayed
}

export function deliveryPage(page: DeliveryPage): Html {
  const { delivery, vendor } = page
  return pageOf({
    title: `${delivery.vendor} ${delivery.event ?? 'delivery'}`,
    at: '/',
    content: html`<p class="crumb"><a href="/" data-back>Arrivals</a></p>
<h1>${delivery.event ?? 'Unknown event'} <span class="muted">of ${delivery.vendor}</span></h1>
${verdictOf(delivery)}
${page.replayed && replayedOf(page.replayed)}
<div class="columns">
<section aria-labelledby="about"><h2 id="about">Delivery</h2>${aboutOf(page)}</section>
<section aria-labelledby="headers"><h2 id="headers">Headers kept</h2>${headersOf(delivery)}</section>
</div>
<section aria-labelledby="rows"><h2 id="rows">Rows</h2>${rowsOf(page)}</section>
<section aria-labelledby="body"><h2 id="body">Body</h2>${bodyOf(page)}</section>
<section aria-labelledby="again"><h2 id="again">Replay</h2>${replayOf(page)}</section>
${
  vendor &&
  html`<section aria-labelledby="curl"><h2 id="curl">Send it again</h2>
<p>Download the body first. The shell inserts the credential from its own variables.</p>
${commandOf(curlOf(vendor, delivery, page.address))}</section>`
}`,
  })
}

function verdictOf({ outcome, problem }: Delivery): Html {
  if (!problem) return html`<p class="verdict">${outcomeOf(outcome)}</p>`
  const errors = problem.errors ?? []
  return html`<div class="notice ${outcome === 'rejected' ? 'bad' : 'warn'}"><p class="verdict">${outcomeOf(outcome)} <code>${problem.code}</code></p>
<p>${problem.detail}</p>
${errors.length > 0 && html`<ul class="errors">${errors.map(({ path, message }) => html`<li><code>${path || '/'}</code> ${message}</li>`)}</ul>`}</div>`
}

function aboutOf({ delivery, createdAt }: DeliveryPage): Html {
  const { owner, userId, receivedAt, lastReceivedAt, timesReceived } = delivery
  return factsOf([
    ['Id', html`<code>${delivery.deliveryId}</code>`],
    ['Received', timeOf(receivedAt, 'millisecond')],
    ...(createdAt
      ? ([
          ['Made at the vendor', timeOf(createdAt)],
          ['Lag', durationOf(receivedAt.getTime() - createdAt.getTime())],
        ] as const)
      : []),
    [
      'Duplicates',
      timesReceived === 1
        ? 'none: received once'
        : html`received ${timesReceived} times, last ${timeOf(lastReceivedAt)}`,
    ],
    [
      'Owner',
      owner
        ? html`<a href="/person?${new URLSearchParams({ id: owner }).toString()}">${owner}</a>`
        : 'nobody',
    ],
    ['User in the header', userId ?? 'none'],
    ['Authenticated by', delivery.authenticatedBy],
    ['Source', delivery.source === 'pull' ? 'pull: Nightpost asked for it' : 'push'],
    ['Size', sizeOf(delivery.bytes)],
    ['Normaliser', `version ${delivery.normaliserVersion}`],
  ])
}

function headersOf({ headers }: Delivery): Html {
  const kept = Object.entries(headers)
  if (kept.length === 0) return html`<p class="muted">None.</p>`
  return factsOf(kept.map(([name, value]) => [name, html`<code>${value}</code>`]))
}

function rowsOf({ delivery, tables, revealed }: DeliveryPage): Html {
  if (tables.length === 0) {
    const reason =
      delivery.outcome === 'stored'
        ? 'It made no row, or other deliveries replaced all of them.'
        : 'A delivery that is not stored has no rows.'
    return html`<p class="muted">${reason}</p>`
  }
  const counts = tables.map(
    ({ table, made, kept, isMore }) => html`<tr><th scope="row"><code>${table}</code></th>
<td class="number">${made ?? '–'}</td><td class="number">${kept}${isMore && ' or more'}</td>
<td>${made !== null && kept < made && !isMore && `${made - kept} replaced by a newer delivery, or older than what was there`}</td></tr>`,
  )
  const values = [...(revealed?.rows ?? [])].map(
    ([table, rows]) => html`<h3>${table}</h3>${valuesOf(table, rows)}`,
  )
  return html`${tableOf('Rows by table', ['Table', numbers('Made'), numbers('In the table'), 'Note'], counts)}${values}`
}

type Row = Readonly<Record<string, string | null>>

/** One row as names and values, because a table of sixty columns can't be read; several as a table. */
function valuesOf(table: string, rows: readonly Row[]): Html {
  const [first = {}] = rows
  if (rows.length === 1)
    return html`<div class="record">${factsOf(Object.entries(first).map(([name, value]) => [html`<code>${name}</code>`, cellOf(value)]))}</div>`
  const lines = rows.map(
    (row) =>
      html`<tr>${Object.values(row).map((value) => html`<td class="cell">${cellOf(value)}</td>`)}</tr>`,
  )
  return html`${tableOf(`Rows of ${table}`, Object.keys(first), lines)}
${rows.length === MOST_SHOWN && html`<p class="muted">The first ${MOST_SHOWN} rows.</p>`}`
}

const cellOf = (value: string | null): Content =>
  value === null ? html`<span class="muted">NULL</span>` : shortened(value)

const shortened = (value: string) => (value.length > 200 ? `${value.slice(0, 200)} …` : value)

function bodyOf({ delivery, showsValues, hasBody, revealed }: DeliveryPage): Html {
  const path = `/deliveries/${delivery.deliveryId}`
  if (!showsValues)
    return html`<p class="muted">This console shows no bodies: <code>CONSOLE_BODIES=off</code>.</p>`
  if (!hasBody)
    return html`<p class="muted">The body is no longer kept: <code>BODY_RETENTION_DAYS</code>.</p>`
  const download = html`<form method="post" action="${path}/raw"><button class="quiet">Download the exact bytes</button></form>`
  if (revealed) return html`<div class="actions">${download}</div>${revealed.body}`
  return html`<p>The body is health data of a person. Whoever shows or downloads it leaves a line in the log, without its content.</p>
<div class="actions"><form method="post" action="${path}/body#body"><button>Show the body and the rows</button></form>${download}</div>`
}

function replayOf({ delivery, hasBody, replayed }: DeliveryPage): Html {
  if (!hasBody) return html`<p class="muted">Without its body a delivery can't be judged again.</p>`
  const path = `/deliveries/${delivery.deliveryId}/replay`
  const dry = html`<form method="post" action="${path}"><input type="hidden" name="mode" value="dry"><button class="quiet">Try it without writing</button></form>`
  const real = html`<form method="post" action="${path}"><input type="hidden" name="mode" value="real"><button>Replay now</button></form>`
  const isTried = replayed?.isDryRun && replayed.transition !== null
  return html`<p>Judges the body with this version of Nightpost. It keeps its id and its time of arrival, so nothing newer is overwritten.</p>
<div class="actions">${isTried ? [real, dry] : dry}</div>`
}

function replayedOf({ isDryRun, transition, problem }: Replayed): Html {
  if (transition === null)
    return html`<p class="notice bad" role="status">Nothing was judged: the body is no longer kept, or no code knows its sender.</p>`
  const isGood = transition.endsWith('→ stored')
  return html`<div class="notice ${isGood ? 'good' : 'warn'}" role="status"><p>${isDryRun ? 'A replay would change' : 'The replay changed'} the outcome: <strong>${transition}</strong>${problem && html` (<code>${problem}</code>)`}.</p>
${isDryRun && html`<p>Nothing was written. To write it, press Replay now below.</p>`}</div>`
}
