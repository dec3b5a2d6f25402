// Lines of services on their way to the host: gathered for a moment, so that a flood is a few messages, and bounded.
import type { LogLine, ServiceLines } from '../contract/service-log.ts'
import { SERVICE_LOG_TELL_BYTES_MAX } from '../kit/limits.ts'

type Gathered = { lines: LogLine[]; bytes: number; dropped: number }

export class GatheredLines {
  #byService = new Map<string, Gathered>()

  /** Adds a line of a service, by its id. What is too much for one moment is counted only. */
  add(service: string, line: LogLine): void {
    const found = this.#byService.get(service) ?? { lines: [], bytes: 0, dropped: 0 }
    this.#byService.set(service, found)
    const bytes = found.bytes + line.message.length
    if (bytes > SERVICE_LOG_TELL_BYTES_MAX) found.dropped += 1
    else {
      found.lines.push(line)
      found.bytes = bytes
    }
  }

  /** Those since it was last called. */
  take(): ServiceLines {
    const taken = [...this.#byService].map(([service, { lines, dropped }]) => {
      if (dropped === 0) return { service, lines }
      const message = `${dropped} more lines were dropped: they were too many at once`
      const at = lines.at(-1)?.at ?? Date.now()
      return { service, lines: [...lines, { at, type: 'warning' as const, source: null, message, requestId: null }] }
    })
    this.#byService = new Map()
    return taken
  }
}
