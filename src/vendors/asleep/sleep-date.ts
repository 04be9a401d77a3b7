/** How many zones are remembered. Names are as the vendor sends them, so there could be any number. */
const MOST_ZONES = 1_000
const formats = new Map<string, Intl.DateTimeFormat | null>()

/**
 * Returns the local calendar date, `YYYY-MM-DD`, of the moment when a sleep ended: in the zone in which the session was created,
 * or else in the zone of the answer, or else in UTC. The view `sleep_nights` chooses the zone in the same way.
 */
export function sleepDate(
  end: string | null,
  createdTimezone: string | null | undefined,
  timezone: string | null | undefined,
): string | null {
  if (end === null) return null
  const format = formatOf(createdTimezone) ?? formatOf(timezone) ?? (formatOf('UTC') as Intl.DateTimeFormat)
  const parts = Object.fromEntries(
    format.formatToParts(new Date(end)).map(({ type, value }) => [type, value]),
  )
  if (parts.era !== 'AD') return null
  return `${parts.year?.padStart(4, '0')}-${parts.month}-${parts.day}`
}

function formatOf(name: string | null | undefined): Intl.DateTimeFormat | null {
  if (typeof name !== 'string') return null
  const known = formats.get(name)
  if (known !== undefined) return known
  if (formats.size >= MOST_ZONES) formats.clear()
  const format = isZoneName(name) ? createFormat(name) : null
  formats.set(name, format)
  return format
}

function createFormat(timeZone: string): Intl.DateTimeFormat | null {
  try {
    return new Intl.DateTimeFormat('en', {
      timeZone,
      calendar: 'gregory',
      era: 'short',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
    })
  } catch {
    return null
  }
}

/**
 * Node accepts names in any case, abbreviations and offsets. The table `time_zones` has only IANA names, spelled exactly. So
 * every part begins with a capital letter, except the particles of a few names, and no part is in capitals.
 */
function isZoneName(name: string): boolean {
  if (name === 'UTC' || name === 'GMT') return true
  if (!/[/a-z]/.test(name) || /^(posix|right)\//.test(name)) return false
  return !/(^|[/_-])(?!of_|es_|au-)[a-z]/.test(name) && !/[A-Z]{4}/.test(name) && name !== name.toUpperCase()
}
