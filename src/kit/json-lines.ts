// JSON messages over a stream, one a line.
import type { Socket } from 'node:net'
import { createInterface } from 'node:readline'

/** Calls `onMessage` for each line; a line that is not JSON ends the connection. */
export function readJsonLines<T>(socket: Socket, onMessage: (message: T) => void): void {
  const lines = createInterface({ input: socket, crlfDelay: Number.POSITIVE_INFINITY })
  lines.on('line', (line) => {
    try {
      onMessage(JSON.parse(line) as T)
    } catch {
      // Not one of ours on the other side.
      socket.destroy()
    }
  })
  // The stream's own error handler decides; readline only repeats it.
  lines.on('error', () => {})
}

/** Sends one message; a connection that is gone swallows it. */
export function writeJsonLine(socket: Socket, message: unknown): void {
  if (!socket.destroyed) socket.write(`${jsonLineOf(message)}\n`)
}

/** A message as one line. Its reader also ends lines at U+2028 and U+2029, which JSON leaves as they are. */
export function jsonLineOf(message: unknown): string {
  return JSON.stringify(message).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')
}
