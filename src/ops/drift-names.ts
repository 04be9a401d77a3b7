/** Bodies of so many different owners must hold a name before it is shown. */
const OWNERS = 3

/** Names that are shown at most, and names that are being counted at most. */
const SHOWN = 200
const WATCHED = 1000

/** How both vendors write field names: no dots, spaces, dashes or other scripts, and not at length. */
const fieldName = /^[A-Za-z][A-Za-z0-9_]{0,39}$/

/**
 * Which names of unknown fields may be shown. A name comes out of a body, so it could be anything: the
 * key of a map is a date, a user's id or a diagnosis just as well as a field's name. One that looks like a
 * field's name and stands in bodies of three different owners belongs to the vendor's schema, and to nobody's data.
 */
export class DriftNames {
  readonly #shown = new Set<string>()
  readonly #watched = new Map<string, Set<string>>()

  /** The name, or `*` as long as it may not be shown. `place` tells apart the places that a name can stand. */
  shown(place: string, name: string, owner: string): string {
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
    // A map with ever new keys must not keep the real names out for good: the oldest make room.
    if (this.#watched.size > WATCHED) this.#watched.delete(this.#watched.keys().next().value as string)
    return '*'
  }
}
