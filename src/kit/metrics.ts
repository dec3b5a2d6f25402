// The numbers of a process as Prometheus reads them: one registry, whose values are derived from facts when it is read.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from '@prometheus-io/client'
import { OTHER } from './request-counts.ts'

/** One value, and which one of its kind it is. */
export type Sample = { value: number; labels?: Record<string, string> }

/** A number that is derived from facts. Null or nothing: not known, so nothing is said. */
export type Measure<F> = {
  kind: 'gauge' | 'counter'
  name: string
  help: string
  labels?: string[]
  of: (facts: F) => Sample[] | number | null
}

// Node's own numbers need clocks that tick: seldom enough that an idle process stays idle.
const LOOP_DELAY_RESOLUTION_MS = 100
const LOOP_USE_EVERY_MS = 1_000

export class Metrics {
  readonly #registry = new Registry()
  readonly #refreshers: (() => Promise<void>)[] = []
  #reading: Promise<string> | null = null

  constructor() {
    collectDefaultMetrics({
      register: this.#registry,
      eventLoopMonitoringPrecision: LOOP_DELAY_RESOLUTION_MS,
      eventLoopUtilizationTimeout: LOOP_USE_EVERY_MS,
    })
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  /** Adds measures over one set of facts, which is read afresh for every answer. While it fails, they say nothing. */
  add<F>(read: () => F | Promise<F>, measures: Measure<F>[]): void {
    const entries = measures.map((measure) => ({ measure, metric: this.#make(measure) }))
    this.#refreshers.push(async () => {
      const facts = await Promise.try(read).then(
        (value) => ({ value }),
        () => null,
      )
      for (const { measure, metric } of entries) setAll(metric, facts ? samplesOf(measure.of(facts.value)) : [])
    })
  }

  /** A histogram of durations, in seconds, which is told each of them. */
  durations(options: { name: string; help: string; labels?: string[]; buckets: number[] }): Histogram<string> {
    const { name, help, labels = [], buckets } = options
    return new Histogram({ name, help, labelNames: labels, buckets, registers: [this.#registry] })
  }

  /** Everything in Prometheus's text format. Who asks while it is being made gets the same. */
  async read(): Promise<string> {
    this.#reading ??= this.#readNow().finally(() => {
      this.#reading = null
    })
    return await this.#reading
  }

  async #readNow(): Promise<string> {
    for (const refresh of this.#refreshers) await refresh()
    return await this.#registry.metrics()
  }

  #make(measure: Pick<Measure<never>, 'kind' | 'name' | 'help' | 'labels'>): Gauge<string> | Counter<string> {
    const { name, help, labels = [] } = measure
    const options = { name, help, labelNames: labels, registers: [this.#registry] }
    return measure.kind === 'gauge' ? new Gauge(options) : new Counter(options)
  }
}

/** Keeps the first `max` values of a label apart; the others are added up under `other`. */
export function boundLabel(samples: Sample[], label: string, max: number): Sample[] {
  const kept = new Set<string>()
  const bounded = new Map<string, Sample>()
  for (const { value, labels = {} } of samples) {
    const name = labels[label] ?? ''
    if (kept.size < max) kept.add(name)
    const own = kept.has(name) ? labels : { ...labels, [label]: OTHER }
    const key = JSON.stringify(own)
    bounded.set(key, { labels: own, value: (bounded.get(key)?.value ?? 0) + value })
  }
  return [...bounded.values()]
}

function samplesOf(found: Sample[] | number | null): Sample[] {
  if (found === null) return []
  return typeof found === 'number' ? [{ value: found }] : found
}

function setAll(metric: Gauge<string> | Counter<string>, samples: Sample[]): void {
  // Without labels the library knows a value of 0 by itself: what is not known must not look like that.
  metric.reset()
  if (samples.length === 0) metric.remove({})
  for (const { value, labels = {} } of samples) {
    if (metric instanceof Gauge) metric.set(labels, value)
    else metric.inc(labels, value)
  }
}
