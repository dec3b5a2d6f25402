// Whether an index would have made a read faster, and on which column. Pure: facts in, a column out.
import type { IndexUse } from '../contract/slow-read.ts'
import { INDEX_ADVICE_ROWS_MIN, INDEX_ADVICE_SHARE_MAX } from '../kit/limits.ts'
import { type Expression, isLiteral, type OrderTerm } from '../query/expression.ts'
import { type Column, findColumn, type TableColumns } from './columns.ts'

/** A column that the read names in a way that an index serves. */
export type IndexCandidate = { column: string; use: IndexUse }

/**
 * How PostgreSQL carries the read out. `isWhole`: it goes through all rows of the table; `isSorted`: it sorts what it
 * found; `foundRows`: what it expects to find.
 */
export type ReadPlan = { isWhole: boolean; isSorted: boolean; foundRows: number }

const TEXT_FUNCTIONS = new Set(['startswith', 'endswith', 'substringof'])
// What leaves fewest rows goes first.
const RANK: Record<IndexUse, number> = { equality: 0, 'part of a text': 1, range: 2, order: 3 }

/** The columns of a read that an index may serve, the best first. */
export function indexCandidates(
  columns: TableColumns,
  { filters, orderBy }: { filters: Expression[]; orderBy: OrderTerm[] },
): IndexCandidate[] {
  const found = filters.flatMap((filter) => filterCandidates(columns, filter))
  const [first] = orderBy
  const ordered = first?.expression.kind === 'member' ? findColumn(columns, first.expression.name) : undefined
  if (ordered) found.push({ column: ordered.name, use: 'order' })
  const isNew = ({ column, use }: IndexCandidate, at: number) =>
    found.findIndex((other) => other.column === column && other.use === use) === at
  return found.filter(isNew).sort((one, other) => RANK[one.use] - RANK[other.use])
}

/**
 * The column whose index would help most; null where none would, or it is there. `distinct`: how many values a column has,
 * as far as PostgreSQL knows; below 0: as a share of the rows.
 */
export function adviseIndex(facts: {
  candidates: IndexCandidate[]
  plan: ReadPlan
  tableRows: number
  indexed: string[]
  distinct: Record<string, number>
}): IndexCandidate | null {
  const { candidates, plan, tableRows, indexed, distinct } = facts
  if (!plan.isWhole || tableRows < INDEX_ADVICE_ROWS_MIN) return null
  // Of two values each is that of half of all rows.
  const isCommon = ({ column, use }: IndexCandidate) => {
    const values = distinct[column] ?? 0
    return use === 'equality' && values > 0 && 1 / values > INDEX_ADVICE_SHARE_MAX
  }
  const missing = candidates.filter((one) => !indexed.includes(one.column) && !isCommon(one))
  const isSelective = plan.foundRows <= tableRows * INDEX_ADVICE_SHARE_MAX
  const filtered = isSelective ? missing.find(({ use }) => use !== 'order') : undefined
  const ordered = plan.isSorted ? missing.find(({ use }) => use === 'order') : undefined
  return filtered ?? ordered ?? null
}

/** Reads what `explain (format json)` gives of a read of one table. */
export function readPlan(explained: unknown, table: string): ReadPlan {
  const found: ReadPlan = { isWhole: false, isSorted: false, foundRows: 0 }
  const look = (node: unknown) => {
    if (typeof node !== 'object' || node === null) return
    const entries = node as Record<string, unknown>
    const kind = entries['Node Type']
    if (kind === 'Sort') found.isSorted = true
    const isScan = typeof kind === 'string' && kind.endsWith('Scan') && entries['Relation Name'] === table
    // An index that is walked from end to end serves the order only.
    const isNarrowed = entries['Index Cond'] !== undefined || entries['Recheck Cond'] !== undefined
    if (isScan && !isNarrowed) {
      found.isWhole = true
      found.foundRows = Math.max(found.foundRows, Number(entries['Plan Rows'] ?? 0))
    }
    for (const value of Object.values(entries)) if (typeof value === 'object') look(value)
  }
  look(explained)
  return found
}

// Of terms that must all be true. An index on one side of an `or` helps nobody.
function filterCandidates(columns: TableColumns, filter: Expression): IndexCandidate[] {
  if (filter.kind === 'and') return filter.terms.flatMap((term) => filterCandidates(columns, term))
  if (filter.kind === 'comparison' && filter.operator !== 'ne') {
    const { left, right, operator } = filter
    const member = isLiteral(right) ? left : isLiteral(left) ? right : null
    const column = member && columnOf(columns, member)
    return column ? [{ column: column.name, use: operator === 'eq' ? 'equality' : 'range' }] : []
  }
  if (filter.kind === 'call' && TEXT_FUNCTIONS.has(filter.name)) {
    const [subject, wanted] = filter.name === 'substringof' ? filter.args.toReversed() : filter.args
    const column = subject && wanted && isLiteral(wanted) ? columnOf(columns, subject) : undefined
    return column?.kind === 'text' ? [{ column: column.name, use: 'part of a text' }] : []
  }
  return []
}

function columnOf(columns: TableColumns, expression: Expression): Column | undefined {
  return expression.kind === 'member' ? findColumn(columns, expression.name) : undefined
}
