// Writes that a lost primary committed and its standby never got: what they look like, in memory and in a bundle.

/** A row's columns, each as PostgreSQL prints it. */
export type Row = Readonly<Record<string, string | null>>

export type StrandedChange = {
  schema: string
  table: string
  kind: 'insert' | 'update' | 'delete' | 'truncate'
  /** The row's id; null where the table has none, and for a truncation. */
  key: string | null
  /** The whole row before; null for an insert, and where the lost primary did not keep it. */
  before: Row | null
  /** The whole row afterwards; null for a deletion. */
  after: Row | null
}

/** A committed transaction, or a part of one: all parts but its last are continued by the next one in line. */
export type StrandedTransaction = {
  xid: number
  commitLsn: string
  /** By the lost primary's clock, to the microsecond. */
  committedAt: string
  isContinued: boolean
  changes: StrandedChange[]
}

/** Who can tell the transactions, in the order of their commits, as often as asked. */
export type TransactionSource = { transactions: () => AsyncIterable<StrandedTransaction> }
