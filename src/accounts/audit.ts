// Who changed what: one row for each change that a person asked for, written in the transaction that makes it.
import type { Kysely, Selectable } from 'kysely'
import type { AuditView } from '../contract/api.ts'
import { FIRST_HASH, hashOfEntry } from '../contract/audit-chain.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { AUDIT_SEALED_AT_ONCE, LIST_ROWS_MAX } from '../kit/limits.ts'
import type { Caller } from './caller.ts'

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
  return rows.map(viewOf)
}

/** What is sealed of a subscription's changes from a place of the chain on, in its order; at most `limit`. */
export async function readChain(
  db: Kysely<ControlDatabase>,
  subscriptionId: string,
  wanted: { after: number; limit: number },
): Promise<AuditView[]> {
  const own = db.selectFrom('audit').selectAll().where('subscription_id', '=', subscriptionId)
  const rest = own.where('link', '>', String(wanted.after)).orderBy('link').limit(wanted.limit)
  return (await rest.execute()).map(viewOf)
}

/**
 * Gives changes that have none yet their place in the chain. By one process alone: the executor, under its term. Not in
 * the transactions that make the changes: these would wait for each other. Returns the heads that have moved.
 */
export async function sealChanges(db: Kysely<ControlDatabase>): Promise<{ link: number; hash: string }[]> {
  return await db.transaction().execute(async (trx) => {
    const fresh = trx.selectFrom('audit').selectAll().where('link', 'is', null).orderBy('id')
    const rows = await fresh.limit(AUDIT_SEALED_AT_ONCE).execute()
    const heads = new Map<string, { link: number; hash: string }>()
    for (const row of rows) {
      const before = heads.get(row.subscription_id) ?? (await headOf(trx, row.subscription_id))
      const link = before.link + 1
      const { link: _link, hash: _hash, ...entry } = viewOf(row)
      const hash = hashOfEntry(before.hash, link, entry)
      await trx
        .updateTable('audit')
        .set({ link: String(link), hash })
        .where('id', '=', row.id)
        .execute()
      heads.set(row.subscription_id, { link, hash })
    }
    return [...heads.values()]
  })
}

async function headOf(trx: Kysely<ControlDatabase>, subscriptionId: string): Promise<{ link: number; hash: string }> {
  const sealed = trx.selectFrom('audit').select(['link', 'hash']).where('subscription_id', '=', subscriptionId)
  const head = await sealed.where('link', 'is not', null).orderBy('link', 'desc').limit(1).executeTakeFirst()
  return { link: Number(head?.link ?? 0), hash: head?.hash ?? FIRST_HASH }
}

function viewOf(row: Selectable<ControlDatabase['audit']>): AuditView {
  return {
    id: Number(row.id),
    at: row.at.toISOString(),
    principal: row.principal,
    action: row.action,
    subject: row.subject,
    before: row.before,
    after: row.after,
    operation: row.operation_id,
    link: row.link === null ? null : Number(row.link),
    hash: row.hash,
  }
}
