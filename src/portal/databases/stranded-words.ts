// Stranded writes in words.
import type { DivergenceView } from '../../contract/api.ts'
import { countOf } from '../kit/amounts.ts'

/** `PrimaryService/TodoItem: 3 inserts, 1 delete`. */
export function changedText(table: DivergenceView['tables'][number]): string {
  const counts = [
    [table.inserts, 'insert'],
    [table.updates, 'update'],
    [table.deletes, 'delete'],
    [table.truncations, 'truncation'],
  ] as const
  const words = counts.filter(([count]) => count > 0).map(([count, word]) => countOf(count, word))
  return `${table.service ?? table.schema}/${table.table}: ${words.join(', ')}`
}

/** What was done with them. */
export function appliedText(state: DivergenceView['state'], applied: DivergenceView['applied']): string {
  if (state === 'discarded') return 'They were discarded.'
  if (applied === null) return 'Nothing was done with them yet.'
  const { skipped, conflicts } = applied
  const left = skipped + conflicts === 0 ? 'all of it is there' : `${skipped} skipped, ${conflicts} in conflict`
  return `${countOf(applied.applied, 'change')} applied; ${left}.`
}
