/**
 * The colours of the drawings. Text has a contrast of at least 4.5:1 with the background, and each graphic at least 3:1
 * (WCAG 2.2, AA). `grid` only guides the eye, so no minimum applies to it.
 */
export const palettes = {
  light: {
    background: '#ffffff',
    text: '#1f2a3d',
    muted: '#566178',
    grid: '#e3e7ee',
    line: '#858fa1',
    missing: '#858fa1',
    wake: '#bd7307',
    rem: '#9150c8',
    light: '#2e86cc',
    deep: '#24418f',
    snoring: '#c8434f',
  },
  dark: {
    background: '#121823',
    text: '#e8ecf3',
    muted: '#a3aec1',
    grid: '#273142',
    line: '#69758a',
    missing: '#69758a',
    wake: '#f2a33a',
    rem: '#bb8cec',
    light: '#5aa9e6',
    deep: '#7088ea',
    snoring: '#ea7680',
  },
} as const

export type Colour = keyof (typeof palettes)['light']
export const THEMES = ['light', 'dark', 'auto'] as const
export type Theme = (typeof THEMES)[number]

/** How the elements of a drawing get their colours. */
export interface Paint {
  fill(colour: Colour): string
  stroke(colour: Colour): string
  /** Fills the inside with the background and draws the outline in `colour`. */
  outline(colour: Colour): string
  /** The `style` element of the document; empty if the theme is fixed. */
  readonly style: string
}

/**
 * Colours are presentation attributes, so that a program that ignores style sheets shows the drawing too. The theme
 * `auto` is the light one with classes, whose colours a style sheet replaces where the reader prefers dark.
 */
export function paintOf(theme: Theme): Paint {
  const palette = palettes[theme === 'dark' ? 'dark' : 'light']
  const classes = (...names: string[]) => (theme === 'auto' ? ` class="${names.join(' ')}"` : '')
  const fill = (colour: Colour) => `fill="${palette[colour]}"`
  const stroke = (colour: Colour) => `stroke="${palette[colour]}"`
  return {
    fill: (colour) => `${fill(colour)}${classes(`np-fill-${colour}`)}`,
    stroke: (colour) => `${stroke(colour)}${classes(`np-stroke-${colour}`)}`,
    outline: (colour) =>
      `${fill('background')} ${stroke(colour)} stroke-width="1.5"${classes('np-fill-background', `np-stroke-${colour}`)}`,
    style: theme === 'auto' ? `<style>${darkRules()}</style>` : '',
  }
}

/** The style sheet of the theme `auto`. A page whose policy forbids styles in a drawing has it as a file. */
export function darkRules(): string {
  const rules = Object.entries(palettes.dark).map(
    ([name, value]) => `.np-fill-${name}{fill:${value}}.np-stroke-${name}{stroke:${value}}`,
  )
  return `@media (prefers-color-scheme: dark){${rules.join('')}}`
}
