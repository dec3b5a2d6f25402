// A line that is written over itself on a terminal, or a plain line every second without one.
import type { Writable } from 'node:stream'

const TERMINAL_MS = 200
const PLAIN_MS = 1_000

/**
 * Shows `text()` again and again; the returned function shows it a last time and ends; calling it again
 * does nothing.
 */
export function showLive(sink: { stream: Writable; isTerminal: boolean }, text: () => string): () => void {
  const write = () => sink.stream.write(sink.isTerminal ? `\r\x1b[2K${text()}` : `${text()}\n`)
  const timer = setInterval(write, sink.isTerminal ? TERMINAL_MS : PLAIN_MS)
  let isShown = true
  return () => {
    if (!isShown) return
    isShown = false
    clearInterval(timer)
    write()
    if (sink.isTerminal) sink.stream.write('\n')
  }
}
