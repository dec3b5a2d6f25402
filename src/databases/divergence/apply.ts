// Bringing stranded writes back: onto the promoted server, one transaction for each that was stranded.
import pg from 'pg'
import { Fault } from '../../kit/fault.ts'
import { DIVERGENCE_LOCK_MS_MAX } from '../../kit/limits.ts'
import { canOverwrite, digestOf, type Reason } from './classify.ts'
import { type ComparedRow, type Comparison, compareBundle, wantedIn } from './comparison.ts'
import { type ListedConflict, listConflict } from './listed-conflict.ts'
import { ROW_TEXT_SETTINGS } from './row-text.ts'
import type { Row, StrandedChange, StrandedTransaction, TransactionSource } from './stranded.ts'
import { TodaysTables } from './todays-tables.ts'

export type ApplyOptions = {
  /** A row that somebody wrote after the promotion: left as it is, or made what the lost primary had. */
  onConflict: 'skip' | 'overwrite'
  /** Only that one's changes. */
  schema?: string
}

export type Applied = {
  /** Changes that were written, overwritten conflicts among them. */
  applied: number
  already: number
  /** Changes that did not fit today's row, whatever became of them. */
  conflicts: number
  /** Conflicts that were left alone. Applied, already and skipped together are all changes. */
  skipped: number
  /** The first of those that were skipped, at most DIVERGENCE_LISTED_MAX. */
  listed: ListedConflict[]
}

/**
 * Applies what fits, in order. `client` is a superuser's in the promoted server's apps database. It may be ended at any
 * moment and asked again: each transaction is there or not, and what is there is found so. Faults with
 * `divergence.busy` while another applies, or when an app holds a row for too long.
 */
export async function applyBundle(
  client: pg.Client,
  bundle: TransactionSource,
  options: ApplyOptions,
): Promise<Applied> {
  try {
    await lock(client)
    try {
      const comparison = await compareBundle(client, bundle, wantedIn(options.schema))
      return await new Application(client, comparison, options).run(bundle)
    } finally {
      // A connection that broke has let go of it, and the error that broke it is on its way.
      await client.query('select pg_advisory_unlock(hashtext($1))', [LOCK]).catch(() => {})
    }
  } catch (error) {
    throw translate(error)
  }
}

const LOCK = 'mainstay.divergence'
// A lock that did not come in time, and a deadlock with an app of which we were the victim.
const BUSY = ['55P03', '40P01']
// Values, constraints, names and triggers that do not fit what is there today: that row's affair, and no other's.
const REFUSED = /^(22|23|42|P0)/

class Application {
  readonly #client: pg.Client
  readonly #comparison: Comparison
  readonly #options: ApplyOptions
  readonly #tables: TodaysTables
  #counts: Applied = { applied: 0, already: 0, conflicts: 0, skipped: 0, listed: [] }
  #savepoints: Savepoints = { isOpen: false, isPartSaved: false, isChangeSaved: false }

  constructor(client: pg.Client, comparison: Comparison, options: ApplyOptions) {
    this.#client = client
    this.#comparison = comparison
    this.#options = options
    this.#tables = new TodaysTables(client)
  }

  async run(bundle: TransactionSource): Promise<Applied> {
    try {
      for await (const part of bundle.transactions()) {
        await this.#takePart({ ...part, changes: part.changes.filter(wantedIn(this.#options.schema)) })
      }
    } catch (error) {
      // A connection that broke has rolled back by itself.
      await this.#client.query('rollback').catch(() => {})
      throw error
    }
    return this.#counts
  }

  // A savepoint for each change from the start would be simpler. But while a transaction with more than 64 of them
  // runs, no standby opens, nor ever a reader of a server that died meanwhile.
  async #takePart(part: StrandedTransaction): Promise<void> {
    const rows = part.changes.map((change) => this.#comparison.find(change))
    const before = {
      counts: { ...this.#counts, listed: [...this.#counts.listed] },
      rows: rows.map((row) => ({ ...row })),
    }
    try {
      await this.#takeAll(part, 'together')
    } catch (error) {
      if (!isRefusal(error)) throw error
      await this.#client.query('rollback to savepoint part')
      this.#counts = before.counts
      for (const [index, row] of rows.entries()) Object.assign(row, before.rows[index])
      await this.#takeAll(part, 'one_by_one')
    }
    await this.#endPart(part)
  }

  async #takeAll(part: StrandedTransaction, mode: Mode): Promise<void> {
    for (const change of part.changes) {
      const left = await this.#take(change, mode)
      if (left) listConflict(this.#counts.listed, part, change, left)
    }
  }

  // Gives the reason when the change was not written.
  async #take(change: StrandedChange, mode: Mode): Promise<Reason | null> {
    const { row, classified } = this.#comparison.next(change)
    if (classified.outcome === 'already') {
      this.#counts.already += 1
      return null
    }
    const conflict = classified.reason ?? (await this.#write(row, change, { mode, isForced: false }))
    if (conflict) this.#counts.conflicts += 1
    const isForced = conflict !== null && this.#options.onConflict === 'overwrite' && canOverwrite(conflict)
    const left = isForced ? await this.#write(row, change, { mode, isForced }) : conflict
    if (left === null) this.#counts.applied += 1
    else {
      this.#counts.skipped += 1
      // What comes later in the row's history builds on this.
      row.chain = { ...row.chain, blocked: left }
    }
    return left
  }

  async #write(
    row: ComparedRow,
    change: StrandedChange,
    { mode, isForced }: { mode: Mode; isForced: boolean },
  ): Promise<Reason | null> {
    const { schema, table, key } = change
    if (key === null) throw new TypeError('a change of a row that has no id is a conflict that is not overwritten')
    await this.#save(mode)
    try {
      const named = await this.#tables.find(schema, table)
      const today = await this.#tables.lockRow(named, key)
      if (!isForced && wholeOf(today) !== row.expected) {
        return { kind: 'row_changed', message: `${key} in ${schema}.${table} was changed while this was applied` }
      }
      row.expected = wholeOf(await this.#tables.writeRow(named, today, change.after))
      return null
    } catch (error) {
      if (mode === 'together' || !isRefusal(error)) throw error
      await this.#client.query('rollback to savepoint change')
      return { kind: 'refused', message: `PostgreSQL does not take ${key} in ${schema}.${table}: ${error.message}` }
    }
  }

  // Only when there is something to write: a second run finds everything there and leaves no trace.
  async #save(mode: Mode): Promise<void> {
    const { isOpen, isPartSaved, isChangeSaved } = this.#savepoints
    const settings = `${ROW_TEXT_SETTINGS}; set local lock_timeout = ${DIVERGENCE_LOCK_MS_MAX}`
    const statements = [
      ...(isOpen ? [] : [`begin; ${settings}`]),
      ...(isPartSaved ? [] : ['savepoint part']),
      ...(mode === 'one_by_one' && isChangeSaved ? ['release savepoint change'] : []),
      ...(mode === 'one_by_one' ? ['savepoint change'] : []),
    ]
    this.#savepoints = { isOpen: true, isPartSaved: true, isChangeSaved: mode === 'one_by_one' }
    if (statements.length > 0) await this.#client.query(statements.join('; '))
  }

  async #endPart({ isContinued }: StrandedTransaction): Promise<void> {
    const { isOpen, isPartSaved } = this.#savepoints
    this.#savepoints = { isOpen: isOpen && isContinued, isPartSaved: false, isChangeSaved: false }
    if (isContinued && isPartSaved) await this.#client.query('release savepoint part')
    if (!isContinued && isOpen) await this.#client.query('commit')
  }
}

/** `together`: a change that is refused ends the part, which is then taken `one_by_one`: it alone is left out. */
type Mode = 'together' | 'one_by_one'
type Savepoints = { isOpen: boolean; isPartSaved: boolean; isChangeSaved: boolean }

function isRefusal(error: unknown): error is pg.DatabaseError {
  return error instanceof pg.DatabaseError && REFUSED.test(error.code ?? '')
}

function wholeOf(row: Row | null): string | null {
  return digestOf(row)?.whole ?? null
}

// Held by the session, so that it outlives the transactions and ends with whoever is killed.
async function lock(client: pg.Client): Promise<void> {
  await client.query(`begin; set local lock_timeout = ${DIVERGENCE_LOCK_MS_MAX}`)
  try {
    await client.query('select pg_advisory_lock(hashtext($1))', [LOCK])
  } finally {
    await client.query('commit').catch(() => {})
  }
}

function translate(error: unknown): unknown {
  if (!(error instanceof pg.DatabaseError) || !BUSY.includes(error.code ?? '')) return error
  return new Fault('divergence.busy', 409, `stranded writes cannot be applied just now: ${error.message}`, {
    hint: 'Apply them again: what was applied is found so.',
    cause: error,
  })
}
