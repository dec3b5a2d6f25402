// A change that is only tried: its transaction runs whole and is taken back, so that whatever would refuse the change
// has refused it, and nothing is changed.
import type { Kysely, Transaction } from 'kysely'
import type { ControlDatabase } from '../contract/control-schema.ts'

/** Runs the transaction; a dry run is taken back at its end. Returns what `work` returned, in both cases. */
export async function transact<T>(
  db: Kysely<ControlDatabase>,
  options: { isDryRun: boolean },
  work: (trx: Transaction<ControlDatabase>) => Promise<T>,
): Promise<T> {
  if (!options.isDryRun) return await db.transaction().execute(work)
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
