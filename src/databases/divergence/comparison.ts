// A whole bundle against the rows of today: what becomes of each of its changes, told in their order.
import type pg from 'pg'
import { beginChain, type Chain, type Classified, chainKey, classifyAt, extendChain, foldId } from './classify.ts'
import { ROW_TEXT_SETTINGS } from './row-text.ts'
import type { StrandedChange, TransactionSource } from './stranded.ts'
import { TodaysTables } from './todays-tables.ts'

/** A row's chain, how many of its changes were told so far, and the digest that it has today; null for no row. */
export type ComparedRow = { chain: Chain; told: number; expected: string | null }

/** Holds some hundred bytes for each row, whatever is in it and however often it changed. */
export class Comparison {
  readonly #rows: Map<string, ComparedRow>

  constructor(rows: Map<string, ComparedRow>) {
    this.#rows = rows
  }

  /** The next change of the bundle. Each is to be asked for once, in order. */
  next(change: StrandedChange): { row: ComparedRow; classified: Classified } {
    const row = this.find(change)
    row.told += 1
    if (row.told > row.chain.changes) throw new TypeError('the bundle is not the one that was compared')
    return { row, classified: classifyAt(row.chain, row.told - 1) }
  }

  /** The row that a change of the bundle is about. */
  find(change: StrandedChange): ComparedRow {
    const row = this.#rows.get(chainKey(change))
    if (!row) throw new TypeError('the bundle is not the one that was compared')
    return row
  }
}

/** Reads the whole bundle and, in one snapshot, the rows that it is about; changes nothing. */
export async function compareBundle(
  client: pg.Client,
  bundle: TransactionSource,
  isWanted: (change: StrandedChange) => boolean,
): Promise<Comparison> {
  const rows = new Map<string, ComparedRow>()
  await client.query(`begin isolation level repeatable read, read only; ${ROW_TEXT_SETTINGS}`)
  try {
    const tables = new TodaysTables(client)
    for await (const { changes } of bundle.transactions()) await addChanges(rows, tables, changes.filter(isWanted))
  } finally {
    // A connection that broke has ended it, too, and the error that broke it is on its way.
    await client.query('rollback').catch(() => {})
  }
  return new Comparison(rows)
}

/** Which changes a call is about: those of one schema, or all. */
export function wantedIn(schema: string | undefined): (change: StrandedChange) => boolean {
  return (change) => schema === undefined || change.schema === schema
}

async function addChanges(
  rows: Map<string, ComparedRow>,
  tables: TodaysTables,
  changes: StrandedChange[],
): Promise<void> {
  for (const ofTable of Map.groupBy(changes, tableKey).values()) {
    const [first] = ofTable
    if (!first) continue
    const table = await tables.find(first.schema, first.table)
    const unknown = ofTable.filter((change) => change.key !== null && !rows.has(chainKey(change)))
    const ids = [...new Set(unknown.flatMap(({ key }) => key ?? []))]
    const found = ids.length === 0 ? new Map() : await tables.readRows(table, ids)
    for (const change of ofTable) {
      const key = chainKey(change)
      const now = { columns: table.columns, row: found.get(foldId(change.key ?? '')) ?? null }
      const chain = extendChain(rows.get(key)?.chain ?? beginChain(change, now), change, now)
      rows.set(key, { chain, told: 0, expected: chain.today?.whole ?? null })
    }
  }
}

function tableKey({ schema, table }: StrandedChange): string {
  return JSON.stringify([schema, table])
}
