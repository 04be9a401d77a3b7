// What the pages can't do without a script: times in the viewer's zone, live arrivals, keys, copying, and the login by a link.
// It puts no text of the database into a page by itself: rows come from the server, escaped.

const one = (selector, within = document) => within.querySelector(selector)
const all = (selector, within = document) => [...within.querySelectorAll(selector)]

// The link that `npm start` prints has the token in its fragment.
const login = one('[data-login]')
function logIn() {
  if (!login || location.hash.length <= 1) return
  const token = decodeURIComponent(location.hash.slice(1))
  history.replaceState(null, '', location.pathname)
  login.elements.token.value = token
  login.requestSubmit()
}
// Somebody may paste the link into a tab that shows the login already.
addEventListener('hashchange', logIn)
logIn()

// Times.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone
const parts = new Intl.DateTimeFormat('en-GB', {
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
  hourCycle: 'h23',
  timeZoneName: 'longOffset',
})

function showTimes(within) {
  for (const element of all('time[datetime]', within)) {
    const at = Object.fromEntries(
      parts.formatToParts(new Date(element.dateTime)).map(({ type, value }) => [type, value]),
    )
    const fraction = element.dataset.shows === 'millisecond' ? `.${at.fractionalSecond}` : ''
    element.textContent = `${at.year}-${at.month}-${at.day} ${at.hour}:${at.minute}:${at.second}${fraction}`
    element.title = `${element.dateTime} (${at.timeZoneName})`
  }
}
for (const element of all('[data-zone]')) element.textContent = zone
showTimes(document)

// Copying.
for (const button of all('[data-copy]')) {
  if (!navigator.clipboard) break
  button.hidden = false
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(one('code', button.parentElement).textContent)
    button.textContent = 'Copied'
    setTimeout(() => {
      button.textContent = 'Copy'
    }, 2000)
  })
}

// Keys: j and k go through the rows, Enter follows the focused link by itself, / leads to the search.
const rows = one('[data-rows]')
const search = one('[data-search]')
if (rows && one('[data-keys]')) one('[data-keys]').hidden = false

const isTyping = ({ target }) => target.closest('input, select, textarea, [contenteditable]') !== null

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return
  if (event.key === 'Escape' && event.target === search) return search.blur()
  if (isTyping(event)) return
  if (event.key === '/' && search) {
    event.preventDefault()
    search.focus()
    search.select()
  }
  if ((event.key === 'j' || event.key === 'k') && rows) {
    const links = all('tr > :first-child a', rows)
    const at = links.indexOf(document.activeElement?.closest('tr')?.querySelector('a'))
    const next = at === -1 ? 0 : at + (event.key === 'j' ? 1 : -1)
    links[next]?.focus()
  }
})

// Live arrivals. The server may send a row twice.
const MOST_ROWS = 200
const live = one('[data-live]')
if (live && rows) {
  const state = one('[data-state]', live)
  const pause = one('[data-pause]', live)
  let waiting = []
  let isPaused = false
  live.hidden = false

  const say = (text, isOn) => {
    if (state.textContent !== text) state.textContent = text
    live.classList.toggle('on', isOn)
  }

  const show = () => {
    if (isPaused) return say(`Paused, ${waiting.length} new`, false)
    for (const { id, html } of waiting) {
      if (one(`tr[data-id="${CSS.escape(id)}"]`, rows)) continue
      rows.insertAdjacentHTML('afterbegin', html)
      const row = rows.firstElementChild
      row.classList.add('new')
      setTimeout(() => row.classList.remove('new'), 4000)
      showTimes(row)
    }
    waiting = []
    while (rows.children.length > MOST_ROWS) rows.lastElementChild.remove()
    const empty = one('[data-empty]')
    if (empty) empty.hidden = rows.children.length > 0
    say('Live', true)
  }

  const source = new EventSource(live.dataset.live)
  source.addEventListener('open', () => (isPaused ? show() : say('Live', true)))
  source.addEventListener('error', () =>
    say(source.readyState === EventSource.CLOSED ? 'Not live: reload the page' : 'Connecting …', false),
  )
  source.addEventListener('message', ({ data }) => {
    const { rows: news, isCut } = JSON.parse(data)
    waiting = [...waiting, ...news].slice(-MOST_ROWS)
    show()
    if (isCut && !isPaused) say('Live; more arrive than are shown', true)
  })
  source.addEventListener('refused', ({ data }) => {
    one('[data-refused]').innerHTML = JSON.parse(data)
    showTimes(one('[data-refused]'))
  })
  pause.addEventListener('click', () => {
    isPaused = !isPaused
    pause.setAttribute('aria-pressed', String(isPaused))
    pause.textContent = isPaused ? 'Continue' : 'Pause'
    show()
  })
  addEventListener('pagehide', () => source.close())
}
