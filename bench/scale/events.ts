/** Events in the order of their time: a binary heap. */
export class Events {
  readonly #heap: Array<{ readonly at: number; readonly run: () => void }> = []
  now = 0

  after(seconds: number, run: () => void): void {
    const heap = this.#heap
    const event = { at: this.now + seconds, run }
    let place = heap.push(event) - 1
    while (place > 0) {
      const parent = (place - 1) >> 1
      if ((heap[parent] as typeof event).at <= event.at) break
      heap[place] = heap[parent] as typeof event
      place = parent
    }
    heap[place] = event
  }

  /** Runs the events up to a time. */
  runUntil(end: number): void {
    for (let first = this.#heap[0]; first && first.at <= end; first = this.#heap[0]) {
      this.#removeFirst()
      this.now = first.at
      first.run()
    }
    this.now = end
  }

  #removeFirst(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (!last || heap.length === 0) return
    let place = 0
    for (;;) {
      let child = 2 * place + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && (heap[child + 1]?.at ?? 0) < (heap[child]?.at ?? 0)) child += 1
      if ((heap[child]?.at ?? 0) >= last.at) break
      heap[place] = heap[child] as typeof last
      place = child
    }
    heap[place] = last
  }
}
