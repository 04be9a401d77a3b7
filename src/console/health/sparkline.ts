import { type Html, raw } from '../html.ts'

const WIDTH = 144
const HEIGHT = 28

/** Counts over time as bars. The words beside it say the same to those who can't see it. */
export function sparkline(counts: readonly number[], label: string): Html {
  const most = Math.max(1, ...counts)
  const step = WIDTH / counts.length
  const bars = counts.map((count, at) => {
    if (count === 0) return ''
    // A single delivery is seen beside a thousand.
    const height = Math.max(2, Math.round((count / most) * (HEIGHT - 1)))
    return `<rect x="${(at * step).toFixed(1)}" y="${HEIGHT - height}" width="${(step - 0.6).toFixed(1)}" height="${height}"/>`
  })
  return raw(
    `<svg class="spark" role="img" aria-label="${label}" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}">${bars.join('')}<path d="M0 ${HEIGHT - 0.5}H${WIDTH}"/></svg>`,
  )
}
