// What a client that works offline does to hear of changes: pages of its delta query until one is empty, from the
// newest stamp on that it has seen. As the clients of either generation do.
import assert from 'node:assert/strict'

const PAGE_ROWS = 50

export type PulledRow = Record<string, unknown> & { id: string }
/** Asks the service of today; null where it could not be asked. */
export type AskRows = (path: string) => Promise<PulledRow[] | null>

export class OfflinePuller {
  readonly #table: string
  readonly #generation: 1 | 2
  readonly #rows = new Map<string, PulledRow>()
  #newest = '1970-01-01T00:00:00.000Z'
  pulls = 0

  constructor(table: string, generation: 1 | 2) {
    this.#table = table
    this.#generation = generation
  }

  /** What it has; rows that are marked as deleted among them. */
  get rows(): ReadonlyMap<string, PulledRow> {
    return this.#rows
  }

  /** Pulls once. Where a page cannot be had, what came before it stays, and the next pull goes on from there. */
  async pull(ask: AskRows): Promise<void> {
    let skip = 0
    for (;;) {
      const page = await ask(this.#path(skip))
      if (page === null || page.length === 0) break
      const before = this.#newest
      for (const row of page) this.#take(row)
      skip = this.#newest === before ? skip + page.length : 0
      // All that it has of the newest millisecond comes again: a page that brings nothing else is the last.
      if (page.length < PAGE_ROWS && skip === 0 && page.every((row) => this.#stampOf(row) === this.#newest)) break
    }
    this.pulls += 1
  }

  #take(row: PulledRow): void {
    const stamp = this.#stampOf(row)
    const before = this.#rows.get(row.id)
    if (before)
      assert.ok(stamp >= this.#stampOf(before), `${row.id} went back: ${this.#stampOf(before)}, then ${stamp}`)
    this.#rows.set(row.id, row)
    if (stamp > this.#newest) this.#newest = stamp
  }

  #stampOf(row: PulledRow): string {
    return String(row[this.#generation === 2 ? 'updatedAt' : '__updatedAt'])
  }

  #path(skip: number): string {
    const column = this.#generation === 2 ? 'updatedAt' : '__updatedAt'
    const query = new URLSearchParams({
      $filter: `(${column} ge datetimeoffset'${this.#newest}')`,
      $orderby: column,
      $top: String(PAGE_ROWS),
      __includeDeleted: 'true',
      ...(this.#generation === 2 ? {} : { __systemProperties: '__updatedAt,__deleted' }),
      ...(skip === 0 ? {} : { $skip: String(skip) }),
    })
    return `/tables/${this.#table}?${query}`
  }
}
