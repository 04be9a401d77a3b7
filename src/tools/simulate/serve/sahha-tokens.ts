const LIFE_SECONDS = 86_400

/** The account tokens that the simulated Sahha has issued. */
export class Tokens {
  /** How many requests each valid token has served. */
  readonly #uses = new Map<string, number>()
  #issued = 0
  /** After so many requests a token is no longer valid. */
  mostUses = Number.POSITIVE_INFINITY

  issue(): { accountToken: string; expiresIn: number } {
    this.#issued += 1
    const accountToken = `simulated-token-${this.#issued}`
    this.#uses.set(accountToken, 0)
    return { accountToken, expiresIn: LIFE_SECONDS }
  }

  /** Counts the use. */
  isValid(token: string): boolean {
    const uses = this.#uses.get(token)
    if (uses === undefined || uses >= this.mostUses) return false
    this.#uses.set(token, uses + 1)
    return true
  }
}
