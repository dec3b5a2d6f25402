// A change that is only tried: its transaction runs whole and is taken back, so that whatever would refuse the change
// has refused it, and nothing is changed.
import { type Kysely, sql, type Transaction } from 'kysely'
import type { ControlDatabase } from '../contract/control-schema.ts'

/**
 * Runs the transaction; a dry run is taken back at its end. Returns what `work` returned, in both cases. Those of one
 * idempotency key run one after the other: they would wait for it in the middle, and hold what the other needs.
 */
export async function transact<T>(
  db: Kysely<ControlDatabase>,
  options: { isDryRun: boolean; idempotencyKey?: string | null },
  work: (trx: Transaction<ControlDatabase>) => Promise<T>,
): Promise<T> {
  const { isDryRun, idempotencyKey: key = null } = options
  if (!isDryRun) {
    return await db.transaction().execute(async (trx) => {
      if (key !== null) await sql`select pg_advisory_xact_lock(hashtextextended(${`key ${key}`}, 0))`.execute(trx)
      return await work(trx)
    })
  }
  const tried: { result?: T } = {}
  const taken = new Error('a dry run is taken back')
  try {
    await db.transaction().execute(async (trx) => {
      tried.result = await work(trx)
      throw taken
    })
  } catch (error) {
    if (error !== taken) throw error
  }
  return tried.result as T
}
