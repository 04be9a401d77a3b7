import { type Html, html } from '../html.ts'
import { durationOf, numbers, outcomeOf, sizeOf, timeOf } from '../layout.ts'
import { type DetailedArrival, MOST_COUNTED } from './details.ts'
import type { Arrival } from './read.ts'

export const HEAD = [
  ...['Time', 'Vendor', 'Event', 'Outcome', 'Reason', 'User'],
  ...[numbers('Lag'), numbers('Group'), numbers('Size'), numbers('Received')],
]

/** One row of the list. The link's text is the time, so that the keyboard opens a delivery from it. */
export const rowOf = (arrival: DetailedArrival): Html => html`<tr data-id="${arrival.deliveryId}">
<th scope="row"><a href="/deliveries/${arrival.deliveryId}">${timeOf(arrival.receivedAt)}</a></th>
<td class="vendor">${arrival.vendor}</td>
<td class="name">${arrival.event ?? 'unknown'}</td>
<td class="became">${outcomeOf(arrival.outcome)}</td>
<td class="reason">${arrival.code === null ? '' : html`<code>${arrival.code}</code>`}</td>
<td class="id">${userOf(arrival)}</td>
<td class="number lag">${lagOf(arrival)}</td>
<td class="number group">${groupOf(arrival)}</td>
<td class="number size">${sizeOf(arrival.bytes)}</td>
<td class="number times">${arrival.timesReceived === 1 ? 'once' : `${arrival.timesReceived} times`}</td>
</tr>`

/** The vendor's clock may be ahead. */
const lagOf = ({ lag }: DetailedArrival) => (lag === null ? '–' : lag < 0 ? 'none' : durationOf(lag))

const groupOf = ({ group }: DetailedArrival) =>
  group === null ? '–' : group === MOST_COUNTED ? `${group} or more` : String(group)

function userOf({ owner, userId }: Arrival) {
  const id = owner || userId
  if (!id) return html`<span class="muted">nobody</span>`
  return owner
    ? html`<a href="/person?${new URLSearchParams({ id }).toString()}" title="${id}">${id}</a>`
    : html`<span title="${id}">${id}</span>`
}
