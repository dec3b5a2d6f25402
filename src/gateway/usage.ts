// What apps ask of each service, counted by minutes, until control has taken it.
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { UsageMinute, UsageReport } from '../contract/usage.ts'
import { Distinct } from '../kit/distinct.ts'
import { noLatencies, noteLatency } from '../kit/latencies.ts'
import { DEVICE_NAME_LENGTH_MAX, USAGE_MINUTES_MAX, USAGE_REPORT_MINUTES_MAX } from '../kit/limits.ts'
import { whenClosed } from './closing.ts'

const MINUTE_MS = 60_000
const DEVICE_HEADER = 'x-zumo-installation-id'

type Counted = Omit<UsageMinute, 'devices'> & { devices: Distinct | null; changes: number; toldChanges: number }

/** One request that has ended. */
export type UsageNote = { isError: boolean; ms: number; bytesOut: number; device: string | null }

export class Usage {
  readonly #now: () => number
  /** In the order in which they began. */
  readonly #counted = new Map<string, Counted>()

  /** `now`: milliseconds since 1970. */
  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  /** Counts one. */
  note(service: string, { isError, ms, bytesOut, device }: UsageNote): void {
    const counted = this.#of(service, Math.floor(this.#now() / MINUTE_MS))
    counted.requests += 1
    if (isError) counted.errors += 1
    counted.bytesOut += bytesOut
    noteLatency(counted.latencies, ms)
    if (device !== null) {
      counted.devices ??= new Distinct()
      counted.devices.add(device)
    }
    counted.changes += 1
  }

  /** What is new since it was last taken, the oldest first; call `taken` once control has it. Null: nothing. */
  report(): { minutes: UsageReport['minutes']; taken: () => void } | null {
    const fresh = [...this.#counted.values()]
      .filter(({ changes, toldChanges }) => changes > toldChanges)
      .slice(0, USAGE_REPORT_MINUTES_MAX)
    if (fresh.length === 0) return null
    const told = fresh.map((counted) => ({ counted, changes: counted.changes }))
    const taken = () => {
      for (const { counted, changes } of told) counted.toldChanges = changes
      this.#forget()
    }
    return { minutes: fresh.map(view), taken }
  }

  #of(service: string, minute: number): Counted {
    const key = `${minute} ${service}`
    const known = this.#counted.get(key)
    if (known) return known
    const counts = { requests: 0, errors: 0, bytesOut: 0, latencies: noLatencies(), devices: null }
    const made: Counted = { service, minute, ...counts, changes: 0, toldChanges: 0 }
    this.#counted.set(key, made)
    // Control may be gone for long; what is oldest is lost then, and the requests of apps go first.
    if (this.#counted.size > USAGE_MINUTES_MAX) {
      const [oldest] = this.#counted.keys()
      if (oldest !== undefined) this.#counted.delete(oldest)
    }
    return made
  }

  // Those that are over and told. One of a clock that was set back since is told, and forgotten then.
  #forget(): void {
    const current = Math.floor(this.#now() / MINUTE_MS)
    for (const [key, { minute, changes, toldChanges }] of this.#counted) {
      if (minute !== current && changes === toldChanges) this.#counted.delete(key)
    }
  }
}

/** Measures one request until its answer is out, or its sender has gone. */
export function measure(request: IncomingMessage, response: ServerResponse, note: (one: UsageNote) => void): void {
  const startedAt = performance.now()
  const bytesSent = 'stream' in request ? countBodyBytes(response) : countBytes(request)
  const device = deviceOf(request.headers)
  whenClosed(request, response, () => {
    // Broken off in the middle, or a failure; who hung up before there was an answer is not told from here.
    const isError = isWhole(response) ? response.statusCode >= 500 : response.headersSent
    note({ isError, ms: performance.now() - startedAt, bytesOut: bytesSent(), device })
  })
}

/** Which device a request comes from, as it says; null: it does not. */
export function deviceOf(headers: IncomingHttpHeaders): string | null {
  const named = headers[DEVICE_HEADER]
  return typeof named === 'string' && named.length <= DEVICE_NAME_LENGTH_MAX ? named : null
}

/** True for an answer that got out whole. One of HTTP/2 calls itself finished also when its client went away. */
export function isWhole(response: ServerResponse): boolean {
  return response.writableFinished && response.writableEnded
}

// The response lets go of its socket before it is closed; a kept connection has sent other answers before.
function countBytes({ socket }: IncomingMessage): () => number {
  const sentBefore = socket.bytesWritten
  return () => Math.max(0, socket.bytesWritten - sentBefore)
}

// On a connection of HTTP/2 many answers go out at once: what each has of it shows in its body only.
function countBodyBytes(response: ServerResponse): () => number {
  let bytes = 0
  const write = response.write.bind(response) as (...args: unknown[]) => boolean
  response.write = (chunk: unknown, ...more: unknown[]) => {
    bytes += typeof chunk === 'string' ? Buffer.byteLength(chunk) : chunk instanceof Uint8Array ? chunk.byteLength : 0
    return write(chunk, ...more)
  }
  return () => bytes
}

function view({ changes: _, toldChanges: __, devices, ...counts }: Counted): UsageMinute {
  return { ...counts, devices: devices && Buffer.from(devices.encode()).toString('base64') }
}
