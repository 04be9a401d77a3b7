/** Decimal digits a number may need on either side of the point; far inside what `numeric` holds. */
const MAX_DIGITS = 1000

/**
 * A JSON number that a double can't hold, as its source text: `9007199254740993`, `1e400`.
 * It serialises as a JSON string, which the write statements read as `numeric`.
 */
export class ExactNumber {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  /** Whether Postgres `numeric` can store it. */
  get storable(): boolean {
    const [mantissa = '', exponent = '0'] = this.text.toLowerCase().split('e')
    return mantissa.length + Math.abs(Number(exponent)) <= MAX_DIGITS
  }

  toJSON(): string {
    return this.text
  }
}

const decimalText = /^[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,4})?$/

/** `text` where it is the decimal writing of a number that `numeric` can store, else null. */
export function numberText(text: string): string | null {
  return decimalText.test(text) && new ExactNumber(text).storable ? text : null
}
