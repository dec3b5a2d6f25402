// Reads of a service that took long: now and then PostgreSQL is asked how it carries one out, and which column's index
// would help is remembered. Values of apps are in none of it.
import type { SlowRead } from '../contract/slow-read.ts'
import {
  INDEX_ADVICE_KEEP_MS,
  INDEX_ADVICE_MAX,
  INDEX_LOOK_AGAIN_MS,
  INDEX_LOOK_MS_MAX,
  INDEX_LOOKS_EVERY_MS,
} from '../kit/limits.ts'
import type { Expression, OrderTerm } from '../query/expression.ts'
import type { AppDatabase } from './app-database.ts'
import type { TableColumns } from './columns.ts'
import { adviseIndex, type IndexCandidate, indexCandidates, readPlan } from './index-advice.ts'
import type { Statement } from './table-sql.ts'

/** A read that was carried out, and how long PostgreSQL took for it. */
export type DoneRead = {
  table: string
  tookMs: number
  statement: Statement
  columns: TableColumns
  filters: Expression[]
  orderBy: OrderTerm[]
}

/** What was found of reads that name the same columns in the same ways. */
type Shape = { lookedAt: number; advised: IndexCandidate | null }
type TableFacts = { rows: string; indexed: string[]; distinct: Record<string, number> | null }

const TABLE_FACTS = `
  select greatest(c.reltuples::bigint, pg_stat_get_live_tuples(c.oid), 0)::text as rows,
         array(select a.attname::text
                 from pg_index i join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0]
                where i.indrelid = c.oid and i.indisvalid) as indexed,
         (select json_object_agg(s.attname, s.n_distinct) from pg_stats s
           where s.schemaname = n.nspname and s.tablename = c.relname) as distinct
    from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = $1::oid`

export class SlowReads {
  readonly #database: AppDatabase
  readonly #slowMs: number
  readonly #shapes = new Map<string, Shape>()
  readonly #found = new Map<string, SlowRead>()
  #lookedAt = Number.NEGATIVE_INFINITY

  constructor(database: AppDatabase, slowMs: number) {
    this.#database = database
    this.#slowMs = slowMs
  }

  /** Takes note of a read. Nobody waits for what follows from it. */
  note(read: DoneRead): void {
    if (read.tookMs < this.#slowMs) return
    const candidates = indexCandidates(read.columns, read)
    if (candidates.length === 0) return
    const key = JSON.stringify([read.table, candidates])
    const now = performance.now()
    const known = this.#shapes.get(key)
    if (known && now - known.lookedAt < INDEX_LOOK_AGAIN_MS) {
      this.#countAgain(read, known)
      return
    }
    if (now - this.#lookedAt < INDEX_LOOKS_EVERY_MS) return
    this.#lookedAt = now
    // A look that fails says nothing, and is made again with a later read.
    void this.#look(read, candidates, key).catch(() => {})
  }

  /** What would help, as far as it was seen of late. */
  list(): SlowRead[] {
    const oldest = new Date(Date.now() - INDEX_ADVICE_KEEP_MS).toISOString()
    for (const [key, { lastAt }] of this.#found) if (lastAt < oldest) this.#found.delete(key)
    return [...this.#found.values()]
  }

  async #look(read: DoneRead, candidates: IndexCandidate[], key: string): Promise<void> {
    const work = { deadline: performance.now() + INDEX_LOOK_MS_MAX, isWriteInFlight: false }
    const { statement, table, columns } = read
    const about = { text: TABLE_FACTS, values: [columns.oid], isWrite: false }
    const [facts] = await this.#database.run<TableFacts>(about, work)
    const explain = { ...statement, text: `explain (format json) ${statement.text}`, salt: columns.salt }
    const [explained] = await this.#database.run<Record<string, unknown>>(explain, work)
    if (!facts || !explained) return
    const plan = readPlan(parsed(explained['QUERY PLAN']), table)
    const tableRows = Number(facts.rows)
    const { indexed, distinct } = facts
    const advised = adviseIndex({ candidates, plan, tableRows, indexed, distinct: parsed(distinct) ?? {} })
    remember(this.#shapes, key, { lookedAt: performance.now(), advised })
    if (advised) this.#tell(read, advised, { readRows: tableRows, foundRows: plan.foundRows })
  }

  #countAgain({ table, tookMs }: DoneRead, { advised }: Shape): void {
    const found = advised && this.#found.get(placeOf(table, advised))
    if (!found) return
    found.count += 1
    found.slowestMs = Math.max(found.slowestMs, tookMs)
    found.lastAt = new Date().toISOString()
  }

  #tell({ table, tookMs }: DoneRead, advised: IndexCandidate, rows: Pick<SlowRead, 'readRows' | 'foundRows'>): void {
    const key = placeOf(table, advised)
    const now = new Date().toISOString()
    const before = this.#found.get(key)
    remember(this.#found, key, {
      ...{ table, ...advised, ...rows },
      count: (before?.count ?? 0) + 1,
      slowestMs: Math.max(before?.slowestMs ?? 0, tookMs),
      firstAt: before?.firstAt ?? now,
      lastAt: now,
    })
  }
}

function placeOf(table: string, { column, use }: IndexCandidate): string {
  return JSON.stringify([table, column, use])
}

// The newest go last; what is too much goes from the front.
function remember<Value>(into: Map<string, Value>, key: string, value: Value): void {
  into.delete(key)
  into.set(key, value)
  for (const oldest of into.keys()) {
    if (into.size <= INDEX_ADVICE_MAX) return
    into.delete(oldest)
  }
}

// Which of the two comes depends on how types are read.
function parsed<T>(json: T | string): T {
  return typeof json === 'string' ? (JSON.parse(json) as T) : json
}
