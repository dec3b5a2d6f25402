// The last recovery that tools asked for, by the service whose capacity it was to use: its row is there before the act.
import type { Kysely } from 'kysely'
import type { Caller } from '../accounts/caller.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { RECOVERY_BEGUN_MS_MAX } from '../kit/limits.ts'
import type { ToolRecovery } from './recovery.ts'

type Db = Kysely<ControlDatabase>
type Change = { primary: string; state: 'running' | 'failed'; operationId: string | null }

/** Notes that it is to begin, begins it, and notes its operation, or that it was refused. Returns the operation's id. */
export async function beginNoted(
  db: Db,
  caller: Caller,
  { primary, secondary }: { primary: string; secondary: string },
  begin: () => Promise<string>,
): Promise<string> {
  const earlier = await findRunning(db, caller, secondary)
  await note(db, caller, secondary, { primary, state: 'running', operationId: null })
  const operationId = await begin().catch(async (error) => {
    // One that is using it all the while still does.
    await note(db, caller, secondary, earlier ?? { primary, state: 'failed', operationId: null })
    throw error
  })
  await note(db, caller, secondary, { primary, state: 'running', operationId })
  return operationId
}

/** The last one that was to use this service. What its operation says counts: whoever waited for it may be gone. */
export async function findRecovery(db: Db, caller: Caller, secondary: string): Promise<ToolRecovery | null> {
  const row = await db
    .selectFrom('management_recoveries')
    .leftJoin('operations', 'operations.id', 'management_recoveries.operation_id')
    .select(['primary_name', 'management_recoveries.state', 'changed_at'])
    .select(['operations.state as ended', 'operations.finished_at'])
    .where('management_recoveries.subscription_id', '=', caller.subscriptionId)
    .where('secondary', '=', secondary.toLowerCase())
    .executeTakeFirst()
  if (!row) return null
  const [primary, changedAtMs] = [row.primary_name, row.changed_at.getTime()]
  const endedAtMs = row.finished_at?.getTime() ?? changedAtMs
  switch (row.ended) {
    case 'succeeded':
      return { primary, state: 'done', changedAtMs: endedAtMs }
    case 'failed':
      return { primary, state: 'failed', changedAtMs: endedAtMs }
    case 'running':
    case 'needs_you':
      return { primary, state: 'running', changedAtMs }
    case null: {
      // It was refused, or whoever asked ended before it began.
      const isStuck = row.state === 'running' && Date.now() - changedAtMs > RECOVERY_BEGUN_MS_MAX
      return { primary, state: isStuck ? 'failed' : row.state, changedAtMs }
    }
  }
}

async function findRunning(db: Db, caller: Caller, secondary: string): Promise<Change | null> {
  const row = await db
    .selectFrom('management_recoveries')
    .innerJoin('operations', 'operations.id', 'management_recoveries.operation_id')
    .select(['primary_name', 'operation_id'])
    .where('management_recoveries.subscription_id', '=', caller.subscriptionId)
    .where('secondary', '=', secondary.toLowerCase())
    .where('operations.state', 'in', ['running', 'needs_you'])
    .executeTakeFirst()
  return row ? { primary: row.primary_name, state: 'running', operationId: row.operation_id } : null
}

async function note(db: Db, caller: Caller, secondary: string, change: Change): Promise<void> {
  const values = {
    ...{ primary_name: change.primary, operation_id: change.operationId },
    ...{ state: change.state, changed_at: new Date() },
  }
  await db
    .insertInto('management_recoveries')
    .values({ subscription_id: caller.subscriptionId, secondary: secondary.toLowerCase(), ...values })
    .onConflict((conflict) => conflict.columns(['subscription_id', 'secondary']).doUpdateSet(values))
    .execute()
}
