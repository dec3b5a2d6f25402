// Conflicts that a person is to read: the first of them, since one cause often makes thousands.
import { DIVERGENCE_LISTED_MAX } from '../../kit/limits.ts'
import { canOverwrite, type Reason } from './classify.ts'
import type { StrandedChange, StrandedTransaction } from './stranded.ts'

export type ListedConflict = Pick<StrandedChange, 'schema' | 'table' | 'kind' | 'key'> & {
  xid: number
  committedAt: string
  reason: Reason
  canOverwrite: boolean
}

/** Adds a conflict to a list while that is short enough to be read. */
export function listConflict(
  listed: ListedConflict[],
  { xid, committedAt }: StrandedTransaction,
  { schema, table, kind, key }: StrandedChange,
  reason: Reason,
): void {
  if (listed.length >= DIVERGENCE_LISTED_MAX) return
  listed.push({ schema, table, kind, key, xid, committedAt, reason, canOverwrite: canOverwrite(reason) })
}
