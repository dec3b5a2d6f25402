// Who changed what: one row for each change that a person asked for, written in the transaction that makes it.
import type { Kysely } from 'kysely'
import type { AuditView } from '../contract/api.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { LIST_ROWS_MAX } from '../kit/limits.ts'
import type { Caller } from './accounts.ts'

/** `action` is the command's words; `before` and `after` carry no secret. */
export type Change = {
  action: string
  subject: string
  before?: unknown
  after?: unknown
  operationId?: string | null
}

/** Writes the row of a change. */
export async function audit(trx: Kysely<ControlDatabase>, caller: Caller, change: Change): Promise<void> {
  await trx
    .insertInto('audit')
    .values({
      subscription_id: caller.subscriptionId,
      principal: caller.principal,
      action: change.action,
      subject: change.subject,
      before: change.before === undefined ? null : JSON.stringify(change.before),
      after: change.after === undefined ? null : JSON.stringify(change.after),
      operation_id: change.operationId ?? null,
    })
    .execute()
}

/** The newest changes of a subscription first, at most `limit`; of one subject where it is named. */
export async function listAudit(
  db: Kysely<ControlDatabase>,
  subscriptionId: string,
  wanted: { subject?: string | undefined; limit: number },
): Promise<AuditView[]> {
  const all = db.selectFrom('audit').selectAll().where('subscription_id', '=', subscriptionId)
  const { subject } = wanted
  const rows = await (subject === undefined ? all : all.where('subject', '=', subject))
    .orderBy('id', 'desc')
    .limit(Math.min(wanted.limit, LIST_ROWS_MAX))
    .execute()
  return rows.map((row) => ({
    id: Number(row.id),
    at: row.at.toISOString(),
    principal: row.principal,
    action: row.action,
    subject: row.subject,
    before: row.before,
    after: row.after,
    operation: row.operation_id,
  }))
}
