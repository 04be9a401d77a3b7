import { Presets, SingleBar } from 'cli-progress'

export type Progress = (done: number, total: number, what: string) => void

const LINE_EVERY = 5_000

/** A bar on a terminal; elsewhere a plain line every few seconds. Both go to standard error. */
export function progressOn(stream: NodeJS.WriteStream): { progress: Progress; stop(): void } {
  return stream.isTTY ? bar(stream) : lines(stream)
}

function bar(stream: NodeJS.WriteStream) {
  const format = '{what} {bar} {value}/{total}, {eta_formatted} left'
  const drawn = new SingleBar({ format, stream, hideCursor: true, etaBuffer: 50 }, Presets.shades_grey)
  let current = ''
  return {
    progress: (done: number, total: number, what: string) => {
      if (what !== current) {
        drawn.stop()
        drawn.start(total, done, { what })
        current = what
      }
      drawn.setTotal(total)
      drawn.update(done)
    },
    stop: () => drawn.stop(),
  }
}

function lines(stream: NodeJS.WriteStream) {
  let last = ''
  let at = 0
  return {
    progress: (done: number, total: number, what: string) => {
      if (what === last && done < total && Date.now() - at < LINE_EVERY) return
      last = what
      at = Date.now()
      stream.write(`${done} of ${total} ${what}\n`)
    },
    stop: () => {},
  }
}
