// Notices: whom incidents are told to, and the rows of what is still to be told. A row is written with the incident.
import type { Kysely } from 'kysely'
import { audit } from '../accounts/audit.ts'
import type { Caller } from '../accounts/caller.ts'
import type { Seal } from '../accounts/seal.ts'
import type { NoticeTargetView } from '../contract/api.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import type { NoticeEvent, NoticeSeverity } from '../contract/notice.ts'
import { Fault } from '../kit/fault.ts'
import { randomId, randomKey } from '../kit/identifiers.ts'
import { NOTICE_TARGETS_MAX, NOTICES_KEEP_MS } from '../kit/limits.ts'

export type NewTarget = { kind: 'webhook' | 'email'; target: string; severity: NoticeSeverity }

/** What is sealed of a webhook. */
export type WebhookSecret = { url: string; key: string }

/** What happened to an incident; `before` and `after` are the incidents that were and are open, null where none is. */
export type IncidentChange = {
  kind: string
  subject: string
  area: string
  before: { id: string; state: string; cause: string; message: string } | null
  after: { id: string; state: string; cause: string; message: string; evidence: string[] } | null
}

const RANKS = { Ready: 0, Degraded: 1, Unhealthy: 2 }

/** Writes down what is to be told of a change, to whom; in the transaction that makes it. */
export async function noteChange(trx: Kysely<ControlDatabase>, change: IncidentChange): Promise<void> {
  const { before, after, kind, area } = change
  const about = after ?? before
  if (!about) return
  const service = kind === 'service' ? await findService(trx, change.subject) : null
  if (kind === 'service' && service === null) return
  const targets = trx.selectFrom('notice_targets').select(['id', 'severity'])
  const concerned = await (service ? targets.where('subscription_id', '=', service.subscriptionId) : targets).execute()
  const [was, is] = [stateOf(before), stateOf(after)]
  const wanted = concerned.filter(({ severity }) => Math.max(RANKS[was], RANKS[is]) >= RANKS[severity])
  if (wanted.length === 0) return
  const event: NoticeEvent = {
    event: before === null ? 'opened' : after === null ? 'closed' : 'changed',
    at: new Date().toISOString(),
    incident: {
      ...{ id: about.id, kind, area, state: is, before: was, cause: about.cause, message: about.message },
      subject: service?.name ?? (kind === 'region' ? area : change.subject),
      evidence: after?.evidence ?? [],
      next: service && is === 'Unhealthy' && service.secondary ? recoverCommand(service.name, service.secondary) : null,
    },
  }
  const rows = wanted.map(({ id }) => ({ id: randomId(), target_id: id, event: JSON.stringify(event) }))
  await trx.insertInto('notices').values(rows).execute()
}

/** Those of a subscription, with how the last notice to each went. */
export async function listTargets(db: Kysely<ControlDatabase>, subscriptionId: string): Promise<NoticeTargetView[]> {
  const rows = await db
    .selectFrom('notice_targets')
    .leftJoinLateral(
      (from) =>
        from
          .selectFrom('notices')
          .select(['sent_at', 'problem', 'due_at', 'attempts'])
          .whereRef('target_id', '=', 'notice_targets.id')
          .orderBy('created_at', 'desc')
          .limit(1)
          .as('newest'),
      (join) => join.onTrue(),
    )
    .select(['id', 'kind', 'target', 'severity', 'created_at', 'sent_at', 'problem'])
    .where('subscription_id', '=', subscriptionId)
    .orderBy('created_at')
    .execute()
  return rows.map(({ id, kind, target, severity, created_at, sent_at, problem }) => ({
    ...{ id, kind, target, severity },
    createdAt: created_at.toISOString(),
    lastSentAt: sent_at?.toISOString() ?? null,
    problem,
  }))
}

/** Adds one; gives it, and what a webhook is signed with, which is shown this once. Faults with `notice.too_many`. */
export async function addTarget(
  db: Kysely<ControlDatabase>,
  seal: Seal,
  caller: Caller,
  wanted: NewTarget,
): Promise<{ id: string; secret: string | null }> {
  const id = randomId()
  const { kind, severity } = wanted
  // As https://www.standardwebhooks.com has it.
  const key = kind === 'webhook' ? `whsec_${Buffer.from(randomKey()).toString('base64')}` : null
  const sealed = key && seal.seal(JSON.stringify({ url: wanted.target, key } satisfies WebhookSecret))
  const shown = { kind, severity, target: kind === 'webhook' ? `${new URL(wanted.target).origin}/…` : wanted.target }
  await db.transaction().execute(async (trx) => {
    const { subscriptionId } = caller
    const others = await trx
      .selectFrom('notice_targets')
      .select('id')
      .where('subscription_id', '=', subscriptionId)
      .execute()
    if (others.length >= NOTICE_TARGETS_MAX) {
      throw new Fault('notice.too_many', 409, `no more than ${NOTICE_TARGETS_MAX} can be told`, {
        hint: 'Remove one first: mainstay notice list',
      })
    }
    await trx
      .insertInto('notice_targets')
      .values({ id, subscription_id: subscriptionId, ...shown, secret: sealed })
      .execute()
    await audit(trx, caller, { action: 'notice add', subject: id, after: shown })
  })
  return { id, secret: key }
}

/** Removes one, and what it was still to be told. Faults with `notice.unknown`. */
export async function removeTarget(db: Kysely<ControlDatabase>, caller: Caller, id: string): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const gone = await trx
      .deleteFrom('notice_targets')
      .where('id', '=', id)
      .where('subscription_id', '=', caller.subscriptionId)
      .returning(['kind', 'target', 'severity'])
      .executeTakeFirst()
    if (!gone) throw unknownTarget(id)
    await audit(trx, caller, { action: 'notice remove', subject: id, before: gone })
  })
}

/** Has something told to one, to see whether it arrives. Faults with `notice.unknown`. */
export async function addTestNotice(db: Kysely<ControlDatabase>, caller: Caller, id: string): Promise<void> {
  const target = await db
    .selectFrom('notice_targets')
    .select('id')
    .where('id', '=', id)
    .where('subscription_id', '=', caller.subscriptionId)
    .executeTakeFirst()
  if (!target) throw unknownTarget(id)
  const event: NoticeEvent = {
    event: 'test',
    at: new Date().toISOString(),
    incident: {
      ...{ id: 'test', kind: 'test', subject: 'this notice', area: '', state: 'Ready', before: 'Ready', cause: 'test' },
      ...{ message: `${caller.principal} tries whether notices arrive`, evidence: [], next: null },
    },
  }
  await db
    .insertInto('notices')
    .values({ id: randomId(), target_id: id, event: JSON.stringify(event) })
    .execute()
}

/** Forgets what was told, or given up, long ago. */
export async function forgetNotices(db: Kysely<ControlDatabase>): Promise<void> {
  const before = new Date(Date.now() - NOTICES_KEEP_MS)
  await db.deleteFrom('notices').where('due_at', 'is', null).where('created_at', '<', before).execute()
}

async function findService(trx: Kysely<ControlDatabase>, id: string) {
  const found = await trx
    .selectFrom('services')
    .leftJoin('services as other', (join) =>
      join.onRef('other.secondary_for', '=', 'services.id').on('other.ended_at', 'is', null),
    )
    .select(['services.name', 'services.subscription_id as subscriptionId', 'other.name as secondary'])
    .where('services.id', '=', id)
    .executeTakeFirst()
  return found ?? null
}

function recoverCommand(primary: string, secondary: string): string {
  return `mainstay mobile recover ${primary} ${secondary}`
}

function stateOf(incident: { state: string } | null): NoticeEvent['incident']['state'] {
  if (incident === null) return 'Ready'
  return incident.state === 'Unhealthy' ? 'Unhealthy' : 'Degraded'
}

function unknownTarget(id: string): Fault {
  return new Fault('notice.unknown', 404, `nobody is told as ${id}`, { hint: 'See who is: mainstay notice list' })
}
