import type { Vendor } from '../../contract/vendor.ts'
import type { RefusedCount } from '../arrivals/refused.ts'
import type { TableRows } from '../delivery/rows.ts'
import { type Content, type Html, html } from '../html.ts'
import { commandOf, pageOf, tableOf, timeOf } from '../layout.ts'
import type { Sent } from './send.ts'

export interface ConnectPage {
  readonly vendors: readonly Vendor[]
  readonly address: string
  readonly isSet: (setting: string) => boolean
  readonly isDevelopment: boolean
  readonly refused: readonly RefusedCount[]
  readonly sent?: Sent & { readonly tables: readonly TableRows[] }
  /** Why nothing could be sent. */
  readonly failure?: string
}

export function connectPage(page: ConnectPage): Html {
  return pageOf({
    title: 'Connect',
    at: '/connect',
    content: html`<h1>Connect</h1>
${page.failure && html`<p class="notice bad" role="alert">${page.failure}</p>`}
${page.sent && sentOf(page.sent)}
${page.vendors.map((vendor) => vendorOf(vendor, page))}
<section aria-labelledby="reach"><h2 id="reach">A public address</h2>
<p>A vendor needs a public HTTPS address in place of <code>${page.address}</code>. For a first try, run one of these:</p>
${commandOf(`cloudflared tunnel --url ${page.address}`)}
${commandOf(`ngrok http ${new URL(page.address).port}`)}
<p>Let only <code>/webhooks/</code> through, and never the port of this console.</p></section>`,
  })
}

function vendorOf(vendor: Vendor, { address, isSet, isDevelopment, refused }: ConnectPage): Html {
  const { name, credentials, events } = vendor
  const isOn = Object.keys(credentials).some(isSet)
  const settings = Object.entries(credentials).map(
    ([setting, about]) =>
      html`<tr><th scope="row"><code>${setting}</code></th><td>${isSet(setting) ? html`<span class="outcome outcome-stored">set</span>` : html`<span class="muted">not set</span>`}</td><td>${about}</td></tr>`,
  )
  const own = refused.filter((one) => one.vendor === name)
  return html`<section aria-labelledby="vendor-${name}"><h2 id="vendor-${name}">${title(name)}</h2>
${commandOf(`${address}/webhooks/${name}`)}
${!isOn && html`<p class="notice warn">No route: set ${orList(Object.keys(credentials))} in <code>.env</code>, and start Nightpost again.</p>`}
${tableOf(`Settings of ${title(name)}`, ['Setting', 'State', 'What it is'], settings)}
${own.length > 0 && html`<ul class="notice bad">${own.map(({ reason, count, lastAt }) => html`<li>${count} refused: ${reason}, last ${timeOf(lastAt)}</li>`)}</ul>`}
${
  isOn &&
  isDevelopment &&
  html`<h3>Send an example</h3>
<div class="actions">${[...new Set(events.map((event) => event.name))].map((event) => sendForm(name, event))}</div>
<p class="hint">It goes through the real route, with a real credential. The data is invented. The same example again is a duplicate.</p>`
}
</section>`
}

const sendForm = (vendor: string, event: string): Html =>
  html`<form method="post" action="/connect/send"><input type="hidden" name="vendor" value="${vendor}"><input type="hidden" name="event" value="${event}"><button class="quiet">${event}</button></form>`

function sentOf({ event, status, answer, deliveryId, tables }: NonNullable<ConnectPage['sent']>): Html {
  return html`<section class="notice ${status === 200 ? 'good' : 'bad'}" role="status"><h2>${event} was sent</h2>
<p>The service answered <strong>${status}</strong>:</p>
<pre tabindex="0"><code>${answer}</code></pre>
${tables.length > 0 && html`<p>Rows: ${join(tables.map(({ table, kept, isMore }) => html`${kept}${isMore && '+'} in <code>${table}</code>`))}.</p>`}
${deliveryId && html`<p><a href="/deliveries/${deliveryId}">Open the delivery</a></p>`}</section>`
}

const join = (parts: readonly Html[]): Content => parts.map((part, at) => [at > 0 && ', ', part])

const orList = (names: readonly string[]): Content =>
  names.map((name, at) => [at > 0 && ' or ', html`<code>${name}</code>`])

const title = (name: string) => `${name.charAt(0).toUpperCase()}${name.slice(1)}`
