// The spinner of a progress label on a terminal: `- \ | /`, ending as `+`.
import type { Writable } from 'node:stream'

const FRAMES = ['-', '\\', '|', '/']
const FRAME_MS = 80

/** Shows `label` with a turning character; the returned function ends it. */
export function startProgress(stream: Writable, label: string): () => void {
  let frame = 0
  stream.write(`${FRAMES[0]} ${label}`)
  const timer = setInterval(() => {
    frame += 1
    stream.write(`\r${FRAMES[frame % FRAMES.length]}`)
  }, FRAME_MS)
  timer.unref()
  return () => {
    clearInterval(timer)
    stream.write(`\r+ ${label}\n`)
  }
}
