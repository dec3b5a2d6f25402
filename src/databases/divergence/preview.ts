// What applying a bundle would do, without doing it.
import type pg from 'pg'
import { compareBundle, wantedIn } from './comparison.ts'
import { type ListedConflict, listConflict } from './listed-conflict.ts'
import type { TransactionSource } from './stranded.ts'

export type TablePreview = { schema: string; table: string; clean: number; already: number; conflicts: number }

export type Preview = {
  clean: number
  already: number
  conflicts: number
  byTable: TablePreview[]
  /** The first of the conflicts, at most DIVERGENCE_LISTED_MAX. */
  listed: ListedConflict[]
}

/** Compares only; `schema`: that one's changes alone. */
export async function previewBundle(
  client: pg.Client,
  bundle: TransactionSource,
  options: { schema?: string } = {},
): Promise<Preview> {
  const isWanted = wantedIn(options.schema)
  const comparison = await compareBundle(client, bundle, isWanted)
  const tables = new Map<string, TablePreview>()
  const listed: ListedConflict[] = []
  for await (const transaction of bundle.transactions()) {
    for (const change of transaction.changes.filter(isWanted)) {
      const { outcome, reason } = comparison.next(change).classified
      const { schema, table } = change
      const name = JSON.stringify([schema, table])
      const counts = tables.get(name) ?? { schema, table, clean: 0, already: 0, conflicts: 0 }
      tables.set(name, counts)
      counts[outcome === 'conflict' ? 'conflicts' : outcome] += 1
      if (reason) listConflict(listed, transaction, change, reason)
    }
  }
  const byTable = [...tables.values()]
  const sum = (name: 'clean' | 'already' | 'conflicts') => byTable.reduce((total, counts) => total + counts[name], 0)
  return { clean: sum('clean'), already: sum('already'), conflicts: sum('conflicts'), byTable, listed }
}
