// The last recovery that tools asked for, by the service whose capacity it was to use: a row before it is an act.
import type { Kysely } from 'kysely'
import type { Caller } from '../accounts/caller.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { RECOVERY_BEGUN_MS_MAX } from '../kit/limits.ts'
import type { ToolRecovery } from './recovery.ts'

type Db = Kysely<ControlDatabase>
type Change = { primary: string; state: ToolRecovery['state']; operationId: string | null }

/** Notes how it stands. */
export async function noteRecovery(db: Db, caller: Caller, secondary: string, change: Change): Promise<void> {
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
