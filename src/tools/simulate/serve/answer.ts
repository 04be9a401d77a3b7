/** A request as a route of the simulated vendors sees it. */
export interface VendorCall {
  readonly params: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, string | string[] | undefined>>
  /** The value of a header, or undefined. */
  header(name: string): string | undefined
  readonly body: unknown
  /** Whether a page is to be shorter than asked for. */
  readonly isPartial: boolean
}

export interface Answer {
  readonly status: number
  /** Sent as JSON; without it, the answer has no body. */
  readonly body?: object
  readonly headers?: Record<string, string>
}

export type Route = (call: VendorCall) => Answer

/** The one value of a query parameter. */
export function one(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.at(-1) : value
}

/** The values of a query parameter that may be repeated or separated by commas. */
export function several(value: string | string[] | undefined): string[] {
  return [value ?? []].flat().flatMap((text) => text.split(',').filter(Boolean))
}
