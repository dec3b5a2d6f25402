// HTTP through doors: a server behind one protocol of a door, and a client to another machine's.
import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { Pool } from 'undici'
import type { DialOptions, DoorHandler, Peer } from './door.ts'
import { Fault, faultFromBody, messageOf } from './fault.ts'

const peers = new WeakMap<Socket, Peer>()

/** A door handler that feeds connections to an HTTP server, remembering who is on each. */
export function serveHttp(server: Server): DoorHandler {
  return (socket, peer) => {
    peers.set(socket, peer)
    server.emit('connection', socket)
  }
}

/** Who sent a request that came through `serveHttp`. Faults when it did not come through a door. */
export function peerOfRequest(socket: Socket): Peer {
  const peer = peers.get(socket)
  if (!peer) throw new Fault('door.refused', 403, 'this answers other machines only')
  return peer
}

/** A door, or the shortcuts past it. */
export type Dialler = { dial: (to: DialOptions) => Promise<Socket> }

/** An undici pool whose connections go through a door, or past it by its shortcuts. The caller closes it. */
export function doorPool(door: Dialler, to: DialOptions, connections: number): Pool {
  return new Pool(`http://${to.target}.mainstay`, {
    connections,
    connect: (_options, done) => {
      door.dial(to).then(
        (socket) => done(null, socket),
        (error) => done(error instanceof Error ? error : new Error(String(error)), null),
      )
    },
  })
}

export type DoorCall = {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  path: string
  body?: unknown
  timeoutMs: number
}

/**
 * A call whose body, or whose answer, is a stream that takes as long as it is large; it is never ended for that. Faults
 * as `callThrough` until the answer begins; what breaks later ends the stream.
 */
export async function streamThrough(
  pool: Pool,
  call: { method: 'GET' | 'POST'; path: string; body?: Readable; type?: string },
): Promise<Readable> {
  try {
    const answer = await pool.request({
      method: call.method,
      path: call.path,
      headers: call.type === undefined ? {} : { 'content-type': call.type },
      body: call.body ?? null,
      headersTimeout: 0,
      bodyTimeout: 0,
    })
    if (answer.statusCode < 400) return answer.body
    throw faultFromBody(JSON.parse(await answer.body.text()), answer.statusCode)
  } catch (error) {
    if (error instanceof Fault) throw error
    const message = `no answer to ${call.method} ${call.path}: ${messageOf(error)}`
    throw new Fault('door.unreachable', 503, message, { cause: error })
  }
}

/** One JSON call over a pool of a door. Faults with the other side's fault, or `door.unreachable`. */
export async function callThrough(pool: Pool, call: DoorCall): Promise<unknown> {
  const aborter = AbortSignal.timeout(call.timeoutMs)
  let status: number
  let text: string
  try {
    const answer = await pool.request({
      method: call.method,
      path: call.path,
      signal: aborter,
      headers: call.body === undefined ? {} : { 'content-type': 'application/json' },
      body: call.body === undefined ? null : JSON.stringify(call.body),
    })
    status = answer.statusCode
    text = await answer.body.text()
  } catch (error) {
    if (error instanceof Fault) throw error
    const reason = aborter.aborted ? `no answer within ${call.timeoutMs} ms` : messageOf(error)
    throw new Fault('door.unreachable', 503, `no answer to ${call.method} ${call.path}: ${reason}`, { cause: error })
  }
  const body: unknown = text === '' ? null : JSON.parse(text)
  if (status >= 400) throw faultFromBody(body, status)
  return body
}
