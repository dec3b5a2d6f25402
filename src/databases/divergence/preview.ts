// What applying a bundle would do, without doing it.
import type pg from 'pg'
import type { Classified } from './classify.ts'
import { compareBundle, wantedIn } from './comparison.ts'
import { type ListedConflict, listConflict } from './listed-conflict.ts'
import type { StrandedChange, StrandedTransaction, TransactionSource } from './stranded.ts'

export type TablePreview = { schema: string; table: string; clean: number; already: number; conflicts: number }

export type Preview = {
  clean: number
  already: number
  conflicts: number
  byTable: TablePreview[]
  /** The first of the conflicts, at most DIVERGENCE_LISTED_MAX. */
  listed: ListedConflict[]
  /** The page that was asked for, each with what becomes of it. */
  changes: PreviewedChange[]
}

/** A change of a bundle, when it was made, and how it would apply today. */
export type PreviewedChange = StrandedChange &
  Pick<StrandedTransaction, 'xid' | 'committedAt'> & { outcome: Classified['outcome']; reason: string | null }

/** Compares only. `schema`: that one's changes alone. `page`: which of them are told one by one. */
export async function previewBundle(
  client: pg.Client,
  bundle: TransactionSource,
  options: { schema?: string; page?: { from: number; count: number } } = {},
): Promise<Preview> {
  const { from, count } = options.page ?? { from: 0, count: 0 }
  const isWanted = wantedIn(options.schema)
  const comparison = await compareBundle(client, bundle, isWanted)
  const tables = new Map<string, TablePreview>()
  const listed: ListedConflict[] = []
  const changes: PreviewedChange[] = []
  let told = 0
  for await (const transaction of bundle.transactions()) {
    for (const change of transaction.changes.filter(isWanted)) {
      const { outcome, reason } = comparison.next(change).classified
      const { schema, table } = change
      const name = JSON.stringify([schema, table])
      const counts = tables.get(name) ?? { schema, table, clean: 0, already: 0, conflicts: 0 }
      tables.set(name, counts)
      counts[outcome === 'conflict' ? 'conflicts' : outcome] += 1
      if (reason) listConflict(listed, transaction, change, reason)
      if (told >= from && changes.length < count) {
        const { xid, committedAt } = transaction
        changes.push({ ...change, xid, committedAt, outcome, reason: reason?.message ?? null })
      }
      told += 1
    }
  }
  const byTable = [...tables.values()]
  const sum = (name: 'clean' | 'already' | 'conflicts') => byTable.reduce((total, counts) => total + counts[name], 0)
  const counts = { clean: sum('clean'), already: sum('already'), conflicts: sum('conflicts') }
  return { ...counts, byTable, listed, changes }
}
