// Sessions of people who signed in. Only a hash of what the browser holds is kept.
import { type Kysely, sql } from 'kysely'
import type { ChangePassword, Role, SessionView, SignIn } from '../contract/api.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { Fault } from '../kit/fault.ts'
import { randomKey } from '../kit/identifiers.ts'
import { SESSION_IDLE_MS, SESSION_MS, SESSIONS_PER_ACCOUNT_MAX, USE_NOTED_EVERY_MS } from '../kit/limits.ts'
import { audit } from './audit.ts'
import { DEFAULT_SUBSCRIPTION, type KnownCaller } from './caller.ts'
import { hashPassword, isPassword, requirePassword } from './passwords.ts'
import { hashToken } from './seal.ts'
import { SignInTries } from './sign-in-tries.ts'

type Db = Kysely<ControlDatabase>
type Account = { id: string; name: string; role: Role; subscription_id: string }

/** A session that has just begun: what the browser is to keep, and what it shows. */
export type Begun = { secret: string; view: SessionView }
/** Who a session belongs to, for one request. */
export type Session = { accountId: string; caller: KnownCaller; expiresAt: Date }

export class Sessions {
  readonly #db: Db
  readonly #tries = new SignInTries()

  constructor(db: Db) {
    this.#db = db
  }

  /** Faults with `account.bad_sign_in`, the same for a wrong name and a wrong password, and `account.too_many_tries`. */
  async signIn({ name, password }: SignIn): Promise<Begun> {
    const key = name.trim().toLowerCase()
    this.#tries.require(key, Date.now())
    const account = await this.#db
      .selectFrom('accounts')
      .selectAll()
      .where('subscription_id', '=', DEFAULT_SUBSCRIPTION)
      .where(sql`lower(name)`, '=', key)
      .executeTakeFirst()
    if (!(await isPassword(password, account?.password_hash ?? null)) || !account) {
      this.#tries.noteFailure(key, Date.now())
      throw new Fault('account.bad_sign_in', 401, 'there is no account with this name and this password', {
        hint: 'An owner can make a link to choose a new password: mainstay account link NAME',
      })
    }
    this.#tries.forget(key)
    return await begin(this.#db, account)
  }

  /** Takes an invitation: sets the password, ends sessions that were, signs in. Faults with `account.bad_invitation`. */
  async accept(token: string, password: string): Promise<Begun> {
    const hash = hashToken(token)
    const find = (db: Db) =>
      db
        .selectFrom('invitations')
        .innerJoin('accounts', 'accounts.id', 'invitations.account_id')
        .select(['accounts.id', 'accounts.name', 'accounts.role', 'accounts.subscription_id'])
        .where('token_hash', '=', hash)
        .where('invitations.expires_at', '>', new Date())
    const invited = await find(this.#db).executeTakeFirst()
    if (!invited) throw badInvitation()
    requirePassword(password, invited.name)
    const password_hash = await hashPassword(password)
    return await this.#db.transaction().execute(async (trx) => {
      const account = await find(trx).forUpdate().executeTakeFirst()
      if (!account) throw badInvitation()
      await trx.deleteFrom('invitations').where('account_id', '=', account.id).execute()
      await trx.deleteFrom('sessions').where('account_id', '=', account.id).execute()
      await trx.updateTable('accounts').set({ password_hash }).where('id', '=', account.id).execute()
      await audit(trx, callerOf(account), { action: 'account password', subject: account.name })
      return await begin(trx, account)
    })
  }

  /** The session that a browser's secret belongs to, or null where it has ended. */
  async find(secret: string): Promise<Session | null> {
    const now = Date.now()
    const id = hashToken(secret)
    const found = await this.#db
      .selectFrom('sessions')
      .innerJoin('accounts', 'accounts.id', 'sessions.account_id')
      .select(['accounts.id', 'accounts.name', 'accounts.role', 'accounts.subscription_id'])
      .select(['sessions.created_at', 'sessions.seen_at'])
      .where('id_hash', '=', id)
      .executeTakeFirst()
    if (!found) return null
    const expiresAt = endOf(found)
    if (expiresAt.getTime() <= now) {
      await this.end(secret)
      return null
    }
    if (now - found.seen_at.getTime() > USE_NOTED_EVERY_MS) {
      const seen = new Date(now)
      await this.#db.updateTable('sessions').set({ seen_at: seen }).where('id_hash', '=', id).execute()
      await this.#db.updateTable('accounts').set({ last_seen_at: seen }).where('id', '=', found.id).execute()
    }
    return { accountId: found.id, caller: callerOf(found), expiresAt }
  }

  async end(secret: string): Promise<void> {
    await this.#db.deleteFrom('sessions').where('id_hash', '=', hashToken(secret)).execute()
  }

  /** Changes one's own password; all other sessions of the account end. */
  async changePassword(session: Session, secret: string, { current, wanted }: ChangePassword): Promise<void> {
    const { principal } = session.caller
    this.#tries.require(principal.toLowerCase(), Date.now())
    const own = this.#db.selectFrom('accounts').select('password_hash').where('id', '=', session.accountId)
    const kept = await own.executeTakeFirst()
    if (!(await isPassword(current, kept?.password_hash ?? null))) {
      this.#tries.noteFailure(principal.toLowerCase(), Date.now())
      throw new Fault('account.bad_sign_in', 403, 'the current password is another one')
    }
    requirePassword(wanted, principal)
    const password_hash = await hashPassword(wanted)
    await this.#db.transaction().execute(async (trx) => {
      await trx.updateTable('accounts').set({ password_hash }).where('id', '=', session.accountId).execute()
      const others = trx.deleteFrom('sessions').where('account_id', '=', session.accountId)
      await others.where('id_hash', '<>', hashToken(secret)).execute()
      await audit(trx, session.caller, { action: 'account password', subject: principal })
    })
  }
}

/** Begins a session of an account. At most so many: the oldest ends. */
export async function begin(db: Db, account: Account): Promise<Begun> {
  const secret = randomKey(40)
  const now = new Date()
  await db
    .insertInto('sessions')
    .values({ id_hash: hashToken(secret), account_id: account.id, created_at: now, seen_at: now })
    .execute()
  await db.updateTable('accounts').set({ last_seen_at: now }).where('id', '=', account.id).execute()
  const own = db.selectFrom('sessions').select('id_hash').where('account_id', '=', account.id)
  const surplus = own.orderBy('created_at', 'desc').offset(SESSIONS_PER_ACCOUNT_MAX)
  await db.deleteFrom('sessions').where('id_hash', 'in', surplus).execute()
  const expiresAt = endOf({ created_at: now, seen_at: now }).toISOString()
  return { secret, view: { name: account.name, role: account.role, expiresAt } }
}

function endOf(session: { created_at: Date; seen_at: Date }): Date {
  return new Date(Math.min(session.created_at.getTime() + SESSION_MS, session.seen_at.getTime() + SESSION_IDLE_MS))
}

function callerOf(account: Account): KnownCaller {
  return { principal: account.name, subscriptionId: account.subscription_id, role: account.role }
}

function badInvitation(): Fault {
  return new Fault('account.bad_invitation', 403, 'this link was used already, or is too old', {
    hint: 'An owner can make a new one: mainstay account link NAME',
  })
}
