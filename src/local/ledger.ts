// The books of a traffic run: what was acknowledged, what is missing, how long nothing was.

export class Ledger {
  readonly acked = new Set<string>()
  readonly lost = new Set<string>()
  failures = 0
  #lastAckAt: number
  #downSince: number | null = null
  #longestDownMs = 0

  constructor(startedAt: number) {
    this.#lastAckAt = startedAt
  }

  /** The service said that this row is stored. Returns the length of the outage that this ended, or 0. */
  noteAcked(id: string, atMs: number): number {
    this.acked.add(id)
    const downMs = this.#downSince === null ? 0 : atMs - this.#downSince
    this.#longestDownMs = Math.max(this.#longestDownMs, downMs)
    this.#downSince = null
    this.#lastAckAt = atMs
    return downMs
  }

  /** A request got no such answer; whether its row is stored nobody knows. The outage began after the last ack. */
  noteFailed(): void {
    this.failures += 1
    this.#downSince ??= this.#lastAckAt
  }

  /** The result of reading everything back. */
  noteLost(ids: Iterable<string>): void {
    this.lost.clear()
    for (const id of ids) this.lost.add(id)
  }

  isDown(): boolean {
    return this.#downSince !== null
  }

  /** The outage that lasts now, or the longest that there was. */
  downMs(nowMs: number): number {
    return this.#downSince === null ? this.#longestDownMs : nowMs - this.#downSince
  }

  longestDownMs(nowMs: number): number {
    return Math.max(this.#longestDownMs, this.downMs(nowMs))
  }
}

/** `acked 1,204 · lost 0 · down 6.1 s` */
export function liveLine(counts: { acked: number; lost: number; downMs: number }): string {
  const { acked, lost, downMs } = counts
  return `acked ${grouped(acked)} · lost ${grouped(lost)} · down ${(downMs / 1_000).toFixed(1)} s`
}

function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',')
}
