import { Presets, SingleBar } from 'cli-progress'

/** Reports that `done` of `total` are done. `what` names the things that are counted. */
export type Progress = (done: number, total: number, what: string) => void

const LINE_INTERVAL_MS = 5_000

/** Shows progress on `stream`: as a bar on a terminal, otherwise as a line every five seconds. */
export function progressOn(stream: NodeJS.WriteStream): { progress: Progress; stop(): void } {
  return stream.isTTY ? progressBar(stream) : progressLines(stream)
}

function progressBar(stream: NodeJS.WriteStream) {
  const format = '{what} {bar} {value}/{total}, {eta_formatted} left'
  const bar = new SingleBar({ format, stream, hideCursor: true, etaBuffer: 50 }, Presets.shades_grey)
  let current = ''
  return {
    progress: (done: number, total: number, what: string) => {
      if (what !== current) {
        bar.stop()
        bar.start(total, done, { what })
        current = what
      }
      bar.setTotal(total)
      bar.update(done)
    },
    stop: () => bar.stop(),
  }
}

function progressLines(stream: NodeJS.WriteStream) {
  let current = ''
  let writtenAt = 0
  return {
    progress: (done: number, total: number, what: string) => {
      if (what === current && done < total && Date.now() - writtenAt < LINE_INTERVAL_MS) return
      current = what
      writtenAt = Date.now()
      stream.write(`${done} of ${total} ${what}\n`)
    },
    stop: () => {},
  }
}

const COUNT_INTERVAL_MS = 200

/** Shows a count that has no known end, on a terminal only. */
export function countOn(stream: NodeJS.WriteStream): { count(rows: number): void; stop(): void } {
  let shownAt = 0
  const count = (rows: number) => {
    if (Date.now() - shownAt < COUNT_INTERVAL_MS) return
    shownAt = Date.now()
    stream.write(`\r${rows} rows`)
  }
  // The terminal clears the line to its end.
  const stop = () => (shownAt > 0 ? stream.write('\r\u001b[K') : true)
  return stream.isTTY ? { count, stop } : { count: () => {}, stop: () => {} }
}
