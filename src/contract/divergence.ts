// Divergence bundles as they cross process borders: what is in one, what applying it would do, and what it did.

export type BundleTable = {
  schema: string
  table: string
  inserts: number
  updates: number
  deletes: number
  truncations: number
}

/** What a bundle says of itself. Positions as PostgreSQL writes them, times in ISO 8601. */
export type BundleSummary = {
  server: string
  /** The epoch that the lost primary wrote under. */
  epoch: number
  forkLsn: string
  endLsn: string
  decodedAt: string
  transactions: number
  changes: number
  byTable: BundleTable[]
}

/** A stranded change and how it would apply today. Columns as PostgreSQL prints them. */
export type BundleChange = {
  xid: number
  committedAt: string
  schema: string
  table: string
  kind: 'insert' | 'update' | 'delete' | 'truncate'
  key: string | null
  before: Record<string, string | null> | null
  after: Record<string, string | null> | null
  outcome: 'clean' | 'already' | 'conflict'
  reason: string | null
}

export type BundlePreview = {
  clean: number
  already: number
  conflicts: number
  /** Some of the changes, from where it was asked. */
  changes: BundleChange[]
}

/** Changes that were written, that were there already, that did not fit, and those of them that were left alone. */
export type BundleApplied = { applied: number; already: number; conflicts: number; skipped: number; examples: string[] }

export type PreviewRequest = { schema?: string | undefined; from: number; count: number }
export type ApplyRequest = { schema?: string | undefined; onConflict: 'skip' | 'overwrite' }

/** A piece of a bundle on its way: base64, where it begins, and how long the whole is. */
export type BundlePiece = { offset: number; bytes: string; size: number }
