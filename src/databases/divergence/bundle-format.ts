// A divergence bundle: JSON lines, compressed with zstd. A header, one line for each transaction (or part of a long
// one), and a last line with the counts and a SHA-256 of all that comes before it.
import { createHash } from 'node:crypto'
import type { StrandedChange, StrandedTransaction } from './stranded.ts'

export const BUNDLE_FORMAT = 'mainstay-divergence/1'

export type BundleHeader = {
  format: typeof BUNDLE_FORMAT
  server: string
  /** Of the lost primary: the one that it wrote under. */
  epoch: number
  /** Where the promoted server left the lost one's WAL, and where that ends. */
  forkLsn: string
  endLsn: string
  decodedAt: string
}

export type TableCounts = {
  schema: string
  table: string
  inserts: number
  updates: number
  deletes: number
  truncations: number
}

export type BundleCounts = { transactions: number; changes: number; byTable: TableCounts[] }

export type BundleEnd = BundleCounts & { sha256: string }

/** What the last line says, added up on both sides: by whoever writes, and again by whoever reads. */
export class BundleTally {
  readonly #hash = createHash('sha256')
  readonly #tables = new Map<string, TableCounts>()
  #transactions = 0
  #changes = 0

  /** Counts a line as it lies in the file, with its line feed. */
  addLine(line: string | Buffer): void {
    this.#hash.update(line)
  }

  addTransaction({ isContinued, changes }: StrandedTransaction): void {
    if (!isContinued) this.#transactions += 1
    for (const change of changes) this.#addChange(change)
  }

  /** To be asked once, at the end. */
  end(): BundleEnd {
    const byTable = [...this.#tables.values()]
    return { transactions: this.#transactions, changes: this.#changes, byTable, sha256: this.#hash.digest('hex') }
  }

  #addChange({ schema, table, kind }: StrandedChange): void {
    this.#changes += 1
    const name = JSON.stringify([schema, table])
    const counts = this.#tables.get(name) ?? { schema, table, inserts: 0, updates: 0, deletes: 0, truncations: 0 }
    this.#tables.set(name, counts)
    counts[COUNTED_AS[kind]] += 1
  }
}

const COUNTED_AS = { insert: 'inserts', update: 'updates', delete: 'deletes', truncate: 'truncations' } as const
