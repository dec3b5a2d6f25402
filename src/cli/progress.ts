// The spinner of a progress label on a terminal: `- \ | /`, ending as `+`.
import type { Writable } from 'node:stream'

/** A label that is shown with a turning character; `tell` puts something behind it, `end` ends it. */
export type Progress = { tell: (detail: string) => void; end: () => void }

const FRAMES = ['-', '\\', '|', '/']
const FRAME_MS = 80
const CLEAR_TO_END = '\u001b[K'

/** Shows `label` with a turning character. */
export function startProgress(stream: Writable, label: string): Progress {
  let frame = 0
  let told = ''
  stream.write(`${FRAMES[0]} ${label}`)
  const timer = setInterval(() => {
    frame += 1
    stream.write(`\r${FRAMES[frame % FRAMES.length]}`)
  }, FRAME_MS)
  timer.unref()
  return {
    tell(detail) {
      told = `: ${detail}${CLEAR_TO_END}`
      stream.write(`\r${FRAMES[frame % FRAMES.length]} ${label}${told}`)
    },
    end() {
      clearInterval(timer)
      stream.write(`\r+ ${label}${told === '' ? '' : CLEAR_TO_END}\n`)
    },
  }
}
