// Accounts of people: who is invited, in which role, and who goes.
import { type Kysely, sql } from 'kysely'
import type { AccountView, InviteAccount, Role } from '../contract/api.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { Fault } from '../kit/fault.ts'
import { randomId, randomKey } from '../kit/identifiers.ts'
import { ACCOUNTS_LISTED_MAX, INVITATION_MS } from '../kit/limits.ts'
import { audit } from './audit.ts'
import type { Caller } from './caller.ts'
import { hashToken } from './seal.ts'

type Db = Kysely<ControlDatabase>

/** A link's secret, told once. */
export type Invitation = { name: string; role: Role; token: string; expiresAt: Date }

/** Names that stand for something else in the audit. */
const RESERVED = new Set(['schedule', 'operator'])
const NAME_FORM = /^[\p{L}\p{N}][\p{L}\p{N} ._@+-]*$/u

/** All accounts of a subscription, the oldest first. */
export async function listAccounts(db: Db, subscriptionId: string): Promise<AccountView[]> {
  const rows = await db
    .selectFrom('accounts')
    .selectAll()
    .where('subscription_id', '=', subscriptionId)
    .orderBy('created_at')
    .limit(ACCOUNTS_LISTED_MAX)
    .execute()
  return rows.map((row) => ({
    ...{ name: row.name, role: row.role, createdAt: row.created_at.toISOString() },
    signInBy: row.oidc_subject !== null ? 'oidc' : row.password_hash !== null ? 'password' : 'invited',
    lastSeenAt: row.last_seen_at?.toISOString() ?? null,
  }))
}

/** Makes an account and its invitation. Faults with `account.bad_name` and `account.taken`. */
export async function inviteAccount(db: Db, caller: Caller, wanted: InviteAccount): Promise<Invitation> {
  const { role } = wanted
  const name = wanted.name.trim()
  return await db.transaction().execute(async (trx) => {
    await requireFreeName(trx, caller.subscriptionId, name)
    const id = randomId()
    await trx.insertInto('accounts').values({ id, subscription_id: caller.subscriptionId, name, role }).execute()
    await audit(trx, caller, { action: 'account invite', subject: name, after: { role } })
    return { name, role, ...(await writeInvitation(trx, id)) }
  })
}

/** A new link for an account, also for one whose password is lost; the link before it no longer works. */
export async function inviteAgain(db: Db, caller: Caller, name: string): Promise<Invitation> {
  return await db.transaction().execute(async (trx) => {
    const account = await lockAccount(trx, caller.subscriptionId, name)
    await audit(trx, caller, { action: 'account link', subject: account.name })
    return { name: account.name, role: account.role, ...(await writeInvitation(trx, account.id)) }
  })
}

/** Changes a role; sessions follow at once. Faults with `account.last_owner`. */
export async function setRole(db: Db, caller: Caller, name: string, role: Role): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const account = await lockAccount(trx, caller.subscriptionId, name)
    if (account.role === role) return
    if (account.role === 'owner') await requireOtherOwner(trx, account)
    await trx.updateTable('accounts').set({ role }).where('id', '=', account.id).execute()
    const [before, after] = [{ role: account.role }, { role }]
    await audit(trx, caller, { action: 'account role', subject: account.name, before, after })
  })
}

/** Removes an account with its sessions and link. Faults with `account.last_owner`. */
export async function removeAccount(db: Db, caller: Caller, name: string): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const account = await lockAccount(trx, caller.subscriptionId, name)
    if (account.role === 'owner') await requireOtherOwner(trx, account)
    await trx.deleteFrom('accounts').where('id', '=', account.id).execute()
    await audit(trx, caller, { action: 'account remove', subject: account.name, before: { role: account.role } })
  })
}

/** Faults unless nobody has the name yet, neither person nor token nor tool: changes are noted under it. */
export async function requireFreeName(trx: Db, subscriptionId: string, name: string): Promise<void> {
  await requireNobodys(trx, subscriptionId, name)
  const certificates = trx.selectFrom('management_certificates').select('id').where('revoked_at', 'is', null)
  const live = certificates.where('subscription_id', '=', subscriptionId).where('expires_at', '>', new Date())
  if ((await live.where(sql`lower(name)`, '=', name.toLowerCase()).executeTakeFirst()) === undefined) return
  throw new Fault('account.taken', 409, `the name '${name}' is taken by a certificate of the original's tools`, {
    hint: 'Choose another, or end that one: mainstay account cert list',
  })
}

/** Faults where a person or a token has the name, or nobody can have it. Certificates of tools may share one. */
export async function requireNobodys(trx: Db, subscriptionId: string, name: string): Promise<void> {
  if (!NAME_FORM.test(name) || RESERVED.has(name.toLowerCase())) {
    throw new Fault('account.bad_name', 400, `'${name}' cannot be the name of an account or a token`, {
      hint: 'Letters, digits and . _ @ + - and spaces; it begins with a letter or a digit.',
    })
  }
  // Two that take one name at once would both find it free.
  await sql`select pg_advisory_xact_lock(hashtextextended('names of principals', 0))`.execute(trx)
  const accounts = trx.selectFrom('accounts').select('id').where('subscription_id', '=', subscriptionId)
  const tokens = trx.selectFrom('operator_tokens').select('id').where('subscription_id', '=', subscriptionId)
  const taken =
    (await accounts.where(sql`lower(name)`, '=', name.toLowerCase()).executeTakeFirst()) ??
    (await tokens.where(sql`lower(principal)`, '=', name.toLowerCase()).executeTakeFirst())
  if (taken) throw new Fault('account.taken', 409, `the name '${name}' is taken by an account or a token`)
}

/** Writes an account's link, in the place of the one before. */
export async function writeInvitation(trx: Db, accountId: string): Promise<{ token: string; expiresAt: Date }> {
  const token = randomKey(40)
  const row = { token_hash: hashToken(token), expires_at: new Date(Date.now() + INVITATION_MS) }
  await trx
    .insertInto('invitations')
    .values({ account_id: accountId, ...row })
    .onConflict((conflict) => conflict.column('account_id').doUpdateSet(row))
    .execute()
  return { token, expiresAt: row.expires_at }
}

async function lockAccount(trx: Db, subscriptionId: string, name: string) {
  const found = await trx
    .selectFrom('accounts')
    .selectAll()
    .where('subscription_id', '=', subscriptionId)
    .where(sql`lower(name)`, '=', name.toLowerCase())
    .forUpdate()
    .executeTakeFirst()
  if (found) return found
  throw new Fault('account.unknown', 404, `there is no account '${name}'`, { hint: 'See all: mainstay account list' })
}

async function requireOtherOwner(trx: Db, account: { id: string; subscription_id: string; name: string }) {
  const owners = trx.selectFrom('accounts').select('id').where('subscription_id', '=', account.subscription_id)
  // Locked in one order, so that of two owners who remove each other one stays.
  const rows = await owners.where('role', '=', 'owner').orderBy('id').forUpdate().execute()
  if (rows.some(({ id }) => id !== account.id)) return
  throw new Fault('account.last_owner', 409, `'${account.name}' is the last owner`, {
    hint: 'Make another account an owner first: mainstay account role NAME owner',
  })
}
