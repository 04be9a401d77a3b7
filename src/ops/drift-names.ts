/** Different owners whose bodies must contain a name before it is shown. */
const OWNERS = 3

/** Largest number of names that are shown, and of names whose owners are counted. */
const SHOWN = 200
const WATCHED = 1000

/** Field names of both vendors: letters, digits and underscores, at most 40. */
const fieldName = /^[A-Za-z][A-Za-z0-9_]{0,39}$/

/**
 * Decides which names of unknown fields may be shown. A name comes from a body, so it may be personal data: the key of
 * a map can be a date, a user's id or a diagnosis. A name that looks like a field name and occurs in the bodies of
 * three different owners is taken as a part of the vendor's schema.
 */
export class DriftNames {
  readonly #shown = new Set<string>()
  readonly #watched = new Map<string, Set<string>>()

  /** The name, or `*` while it may not be shown. Owners are counted for each `place` and name. */
  nameToShow(place: string, name: string, owner: string): string {
    const id = `${place} ${name}`
    if (this.#shown.has(id)) return name
    if (this.#shown.size >= SHOWN || owner === '' || !fieldName.test(name)) return '*'
    const owners = this.#watched.get(id) ?? new Set()
    owners.add(owner)
    if (owners.size >= OWNERS) {
      this.#shown.add(id)
      this.#watched.delete(id)
      return name
    }
    this.#watched.set(id, owners)
    // Drop the oldest name: a map with ever new keys must not use up the room for real field names.
    if (this.#watched.size > WATCHED) this.#watched.delete(this.#watched.keys().next().value as string)
    return '*'
  }
}
