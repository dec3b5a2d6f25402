// Deployment users: a name and a password by which git pushes, and nothing else can be done.
import { createHmac, randomBytes } from 'node:crypto'
import { type Kysely, sql } from 'kysely'
import type { DeploymentUserView } from '../contract/api.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { Fault } from '../kit/fault.ts'
import { ACCOUNTS_LISTED_MAX, DEPLOYMENT_PASSWORD_KNOWN_MS, DEPLOYMENT_USERS_MAX } from '../kit/limits.ts'
import { isSameSecret } from '../kit/same-secret.ts'
import { audit } from './audit.ts'
import { type Caller, DEFAULT_SUBSCRIPTION, type KnownCaller } from './caller.ts'
import { hashPassword, isPassword, requirePassword } from './passwords.ts'
import { SignInTries } from './sign-in-tries.ts'
import { callerOfToken } from './tokens.ts'

type Db = Kysely<ControlDatabase>

const NAME = /^[a-z0-9][a-z0-9._@+-]{0,63}$/

/** All of a subscription, by name. */
export async function listDeploymentUsers(db: Db, subscriptionId: string): Promise<DeploymentUserView[]> {
  const rows = await db
    .selectFrom('deployment_users')
    .select(['name', 'principal', 'created_at', 'last_used_at'])
    .where('subscription_id', '=', subscriptionId)
    .orderBy('name')
    .limit(ACCOUNTS_LISTED_MAX)
    .execute()
  return rows.map(({ name, principal, created_at: createdAt, last_used_at: lastUsedAt }) => {
    return { name, principal, createdAt: createdAt.toISOString(), lastUsedAt: lastUsedAt?.toISOString() ?? null }
  })
}

/** Sets a password, for a new name or one that is there. Faults with `account.bad_name` and `account.weak_password`. */
export async function setDeploymentUser(db: Db, caller: Caller, given: string, password: string): Promise<void> {
  const name = given.trim().toLowerCase()
  if (!NAME.test(name)) {
    throw new Fault('account.bad_name', 400, `'${given}' cannot be the name of a deployment user`, {
      hint: '1 to 64 letters, digits and . _ @ + -; it begins with a letter or a digit.',
    })
  }
  requirePassword(password, name)
  const row = { password_hash: await hashPassword(password), principal: caller.principal, created_at: new Date() }
  await db.transaction().execute(async (trx) => {
    const { count } = await trx
      .selectFrom('deployment_users')
      .select(({ fn }) => fn.countAll().as('count'))
      .where('subscription_id', '=', caller.subscriptionId)
      .where('name', '!=', name)
      .executeTakeFirstOrThrow()
    if (Number(count) >= DEPLOYMENT_USERS_MAX) {
      throw new Fault('account.too_many', 409, `there are ${count} deployment users, and no room for more`, {
        hint: 'Remove those that nobody uses: mainstay account deployment-user list',
      })
    }
    await trx
      .insertInto('deployment_users')
      .values({ subscription_id: caller.subscriptionId, name, ...row })
      .onConflict((conflict) => conflict.columns(['subscription_id', 'name']).doUpdateSet(row))
      .execute()
    await audit(trx, caller, { action: 'account deployment-user set', subject: name })
  })
}

/** Ends one. Faults with `account.unknown`. */
export async function removeDeploymentUser(db: Db, caller: Caller, name: string): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const own = trx.deleteFrom('deployment_users').where('subscription_id', '=', caller.subscriptionId)
    const gone = await own.where('name', '=', name.toLowerCase()).executeTakeFirst()
    if (gone.numDeletedRows === 0n) {
      throw new Fault('account.unknown', 404, `there is no deployment user '${name}'`, {
        hint: 'See all: mainstay account deployment-user list',
      })
    }
    await audit(trx, caller, { action: 'account deployment-user delete', subject: name.toLowerCase() })
  })
}

/** Who sends a request of git: a deployment user by name and password, or anybody whose password is a token. */
export class DeploymentSignIn {
  readonly #db: Db
  readonly #tries = new SignInTries()
  // Of passwords that were right: what git sends with each of four requests is hashed at cost once.
  readonly #known = new Map<string, { hash: string; proof: string; untilMs: number }>()
  readonly #key = randomBytes(32)

  constructor(db: Db) {
    this.#db = db
  }

  /** Faults with `account.bad_sign_in` (401), the same for all that is wrong, and `account.too_many_tries`. */
  async callerOf({ name, password }: { name: string; password: string }): Promise<KnownCaller> {
    const byToken = await callerOfToken(this.#db, password).catch((error) => {
      if (error instanceof Fault && error.status === 401) return null
      throw error
    })
    if (byToken) return byToken
    const key = name.trim().toLowerCase()
    this.#tries.require(key, Date.now())
    const own = this.#db.selectFrom('deployment_users').select('password_hash')
    const found = await own
      .where('subscription_id', '=', DEFAULT_SUBSCRIPTION)
      .where(sql`lower(name)`, '=', key)
      .executeTakeFirst()
    if (!(await this.#isRight(key, password, found?.password_hash ?? null))) {
      this.#tries.noteFailure(key, Date.now())
      throw new Fault('account.bad_sign_in', 401, 'there is no deployment user with this name and this password', {
        hint: 'An owner sets it: mainstay account deployment-user set NAME. A token will do as password, with any name.',
      })
    }
    this.#tries.forget(key)
    return { principal: `${key} (deployment)`, subscriptionId: DEFAULT_SUBSCRIPTION, role: 'operator' }
  }

  async #isRight(name: string, password: string, hash: string | null): Promise<boolean> {
    const proof = createHmac('sha256', this.#key).update(password).digest('hex')
    const known = this.#known.get(name)
    const isKnown = known !== undefined && known.hash === hash && known.untilMs > Date.now()
    if (isKnown && isSameSecret(known.proof, proof)) return true
    if (!(await isPassword(password, hash)) || hash === null) return false
    const now = new Date()
    this.#known.set(name, { hash, proof, untilMs: now.getTime() + DEPLOYMENT_PASSWORD_KNOWN_MS })
    await this.#db.updateTable('deployment_users').set({ last_used_at: now }).where('name', '=', name).execute()
    return true
  }
}
