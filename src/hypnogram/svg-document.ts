import { type Colour, type Paint, paintOf, type Theme } from './theme.ts'
import { wrapped } from './wrapped.ts'

export interface SvgOptions {
  readonly theme?: Theme
  /** In pixels. Below 640 the figures stand below the title. */
  readonly width?: number
  /** Whether the drawing names the user and the session. */
  readonly ids?: boolean
  /** Begins the ids of the elements. Drawings that stand in one HTML document need different ones. */
  readonly prefix?: string
  /** Whether the drawing contains the style sheet of the theme `auto`; by default it does. */
  readonly style?: boolean
}

export const NARROW = 640
export const MIN_WIDTH = 320
export const MAX_WIDTH = 4000

/** What the drawings have in common: size, colours, and functions that return elements. */
export interface Canvas {
  readonly width: number
  readonly isNarrow: boolean
  readonly paint: Paint
  /** The `fill` of areas without data. */
  readonly missing: string
  text(x: number, y: number, content: string, style: TextStyle): string
  /** Text in as many lines as it needs from `x` to `right`, by default as far from the edge as `x` is. */
  paragraph(
    x: number,
    y: number,
    content: string,
    style: TextStyle,
    right?: number,
  ): { elements: string[]; height: number }
  document(title: string, description: string, height: number, elements: string[]): string
}

export interface TextStyle {
  readonly size: number
  readonly colour?: Colour
  readonly weight?: number
  readonly anchor?: 'middle' | 'end'
}

export function canvasOf({
  theme = 'auto',
  width = 1000,
  prefix = 'hypnogram',
  style = true,
}: SvgOptions): Canvas {
  const paint = paintOf(theme)
  const text: Canvas['text'] = (x, y, content, { size, colour = 'text', weight, anchor }) => {
    const attributes = `${weight ? ` font-weight="${weight}"` : ''}${anchor ? ` text-anchor="${anchor}"` : ''}`
    return `<text x="${x}" y="${y}" font-size="${size}" ${paint.fill(colour)}${attributes}>${escapeXml(content)}</text>`
  }
  return {
    width,
    isNarrow: width < NARROW,
    paint,
    missing: `fill="url(#${prefix}-missing)"`,
    text,
    paragraph(x, y, content, style, right = width - x) {
      const lineHeight = Math.round(style.size * 1.4)
      const lines = content === '' ? [] : wrapped(content, (right - x) / textWidth('0', style.size))
      return {
        elements: lines.map((line, at) => text(x, y + at * lineHeight, line, style)),
        height: lines.length * lineHeight,
      }
    },
    document: (title, description, height, elements) =>
      `${[
        `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="Inter, 'Helvetica Neue', Helvetica, Arial, 'DejaVu Sans', sans-serif" role="img" aria-labelledby="${prefix}-title ${prefix}-description">`,
        `<title id="${prefix}-title">${escapeXml(title)}</title>`,
        `<desc id="${prefix}-description">${escapeXml(description)}</desc>`,
        ...(style && paint.style ? [paint.style] : []),
        `<defs><pattern id="${prefix}-missing" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path d="M4 0V8" ${paint.stroke('missing')} stroke-width="1.2"/></pattern></defs>`,
        `<rect width="${width}" height="${height}" rx="14" ${paint.fill('background')}/>`,
        ...elements,
        '</svg>',
      ].join('\n')}\n`,
  }
}

/** About the width of a text in pixels, in the widest of the fonts. */
export function textWidth(content: string, size: number): number {
  return content.length * size * 0.6
}

/** Ids and time zones come from the vendor. They may contain markup and characters that XML does not allow. */
export function escapeXml(content: string): string {
  return content
    .replace(/[\p{Cc}\p{Cs}\ufffe\uffff]/gu, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
}

export const round = (value: number) => Math.round(value * 100) / 100
