// When a request is over for its client. An answer that waits behind others on its connection hears nothing of the end
// of that: Node gives it the connection only when its turn comes.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

const waiting = new WeakMap<Socket, Set<() => void>>()

/** Calls that once the answer is out, or its client has gone. Gives what takes it back. */
export function whenClosed(request: IncomingMessage, response: ServerResponse, work: () => void): () => void {
  // Of HTTP/2 each has a stream of its own, and no connection any more when that is gone.
  const { socket } = request as { socket?: Socket }
  const works = 'stream' in request || !socket ? null : worksOf(socket)
  const forget = () => {
    response.removeListener('close', once)
    works?.delete(once)
  }
  const once = () => {
    forget()
    work()
  }
  response.once('close', once)
  works?.add(once)
  return forget
}

// One listener for each connection, however many requests it brings.
function worksOf(socket: Socket): Set<() => void> {
  const known = waiting.get(socket)
  if (known) return known
  const works = new Set<() => void>()
  waiting.set(socket, works)
  socket.once('close', () => {
    for (const work of [...works]) work()
  })
  return works
}
