// How many requests each service had, by the class of their status: a bounded number of names, the rest together.
import { METRIC_SERVICES_MAX } from './limits.ts'

/** By the first digit of the status; `aborted`: the answer did not get out whole, or its sender had gone. */
const CLASSES = ['aborted', '1xx', '2xx', '3xx', '4xx', '5xx'] as const
export type StatusClass = (typeof CLASSES)[number]
export type RequestCount = { service: string; status: StatusClass; count: number }

/** The name under which those are counted that found no place of their own. */
export const OTHER = 'other'
/** The status of a request without a whole answer. */
export const ABORTED = 0

export class RequestCounts {
  readonly #servicesMax: number
  readonly #byService = new Map<string, number[]>()

  constructor(servicesMax = METRIC_SERVICES_MAX) {
    this.#servicesMax = servicesMax
  }

  /** Counts one request; on the way of every request of an app, so it only looks up and adds. */
  note(service: string, status: number): void {
    const row = this.#byService.get(service) ?? this.#rowOf(service)
    const index = Math.trunc(status / 100)
    row[index] = (row[index] ?? 0) + 1
  }

  /** Adds what another process counted. */
  add(counts: RequestCount[]): void {
    for (const { service, status, count } of counts) {
      const row = this.#byService.get(service) ?? this.#rowOf(service)
      const index = CLASSES.indexOf(status)
      row[index] = (row[index] ?? 0) + count
    }
  }

  list(): RequestCount[] {
    return [...this.#byService].flatMap(([service, row]) =>
      CLASSES.flatMap((status, index) => {
        const count = row[index] ?? 0
        return count === 0 ? [] : [{ service, status, count }]
      }),
    )
  }

  /** The counts since it was last called. */
  take(): RequestCount[] {
    const counts = this.list()
    this.#byService.clear()
    return counts
  }

  /** Forgets services that are no more: each of them holds a place. */
  keep(isKnown: (service: string) => boolean): void {
    for (const service of this.#byService.keys()) {
      if (service !== OTHER && !isKnown(service)) this.#byService.delete(service)
    }
  }

  #rowOf(service: string): number[] {
    const isFull = this.#byService.size - (this.#byService.has(OTHER) ? 1 : 0) >= this.#servicesMax
    const name = isFull ? OTHER : service
    const row = this.#byService.get(name) ?? CLASSES.map(() => 0)
    this.#byService.set(name, row)
    return row
  }
}
