// Tokens, by which programs ask: each with a name, a role and maybe an end. Only a hash is kept.
import type { Kysely } from 'kysely'
import type { CreateToken, NewTokenView, TokenView } from '../contract/api.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { Fault } from '../kit/fault.ts'
import { readTextIfAny, writeFileDurably } from '../kit/files.ts'
import { randomId, randomKey } from '../kit/identifiers.ts'
import { ACCOUNTS_LISTED_MAX, TOKEN_DAYS, TOKENS_MAX, USE_NOTED_EVERY_MS } from '../kit/limits.ts'
import { audit } from './audit.ts'
import { type Caller, DEFAULT_SUBSCRIPTION, type KnownCaller } from './caller.ts'
import { requireFreeName } from './people.ts'
import { hashToken } from './seal.ts'

type Db = Kysely<ControlDatabase>

const DAY_MS = 24 * 3_600_000
const TOKEN_LENGTH = 40
/** The token of whoever can read control's home. */
const FIRST = 'operator'

/** Makes sure that the first operator's token exists, in the file and as a hash here. */
export async function ensureOperator(db: Db, tokenFile: string): Promise<void> {
  const kept = (await readTextIfAny(tokenFile))?.trim()
  const token = kept || randomKey(TOKEN_LENGTH)
  await db
    .insertInto('operator_tokens')
    .values({ id: randomId(), subscription_id: DEFAULT_SUBSCRIPTION, principal: FIRST, token_hash: hashToken(token) })
    .onConflict((conflict) => conflict.column('token_hash').doNothing())
    .execute()
  if (!kept) await writeFileDurably(tokenFile, `${token}\n`, 0o600)
}

/** Who holds this token. Faults with `account.bad_token` (401). */
export async function callerOfToken(db: Db, token: string): Promise<KnownCaller> {
  const found = await db
    .selectFrom('operator_tokens')
    .select(['id', 'principal', 'subscription_id', 'role', 'expires_at', 'last_used_at'])
    .where('token_hash', '=', hashToken(token))
    .executeTakeFirst()
  if (!found) throw new Fault('account.bad_token', 401, 'this token is not known here')
  const now = new Date()
  if (found.expires_at !== null && found.expires_at <= now) {
    throw new Fault('account.bad_token', 401, `this token ended at ${found.expires_at.toISOString()}`, {
      hint: 'An owner can make a new one: mainstay token create NAME --role ROLE',
    })
  }
  if (now.getTime() - (found.last_used_at?.getTime() ?? 0) > USE_NOTED_EVERY_MS) {
    await db.updateTable('operator_tokens').set({ last_used_at: now }).where('id', '=', found.id).execute()
  }
  return { principal: found.principal, subscriptionId: found.subscription_id, role: found.role }
}

/** All tokens of a subscription that have not been revoked, the oldest first. */
export async function listTokens(db: Db, subscriptionId: string): Promise<TokenView[]> {
  const rows = await db
    .selectFrom('operator_tokens')
    .select(['id', 'principal', 'role', 'created_at', 'expires_at', 'last_used_at'])
    .where('subscription_id', '=', subscriptionId)
    .orderBy('created_at')
    .limit(ACCOUNTS_LISTED_MAX)
    .execute()
  return rows.map((row) => ({
    ...{ id: row.id, name: row.principal, role: row.role, createdAt: row.created_at.toISOString() },
    ...{ expiresAt: row.expires_at?.toISOString() ?? null, lastUsedAt: row.last_used_at?.toISOString() ?? null },
  }))
}

/** Makes a token; what is answered is the only place where it stands in clear. */
export async function createToken(db: Db, caller: Caller, wanted: CreateToken): Promise<NewTokenView> {
  const [id, token] = [randomId(), randomKey(TOKEN_LENGTH)]
  const { role, days = TOKEN_DAYS } = wanted
  const name = wanted.name.trim()
  const expiresAt = days === null ? null : new Date(Date.now() + days * DAY_MS)
  const after = { role, expiresAt: expiresAt?.toISOString() ?? null }
  await db.transaction().execute(async (trx) => {
    await requireFreeName(trx, caller.subscriptionId, name)
    const { count } = await trx
      .selectFrom('operator_tokens')
      .select(({ fn }) => fn.countAll().as('count'))
      .executeTakeFirstOrThrow()
    if (Number(count) >= TOKENS_MAX) {
      throw new Fault('account.too_many', 409, `there are ${count} tokens, and no room for more`, {
        hint: 'Revoke those that nobody uses: mainstay token list',
      })
    }
    const row = { id, subscription_id: caller.subscriptionId, principal: name, token_hash: hashToken(token) }
    await trx
      .insertInto('operator_tokens')
      .values({ ...row, role, expires_at: expiresAt })
      .execute()
    await audit(trx, caller, { action: 'token create', subject: name, after })
  })
  const createdAt = new Date().toISOString()
  return { id, name, role, createdAt, expiresAt: after.expiresAt, lastUsedAt: null, token }
}

/** Ends a token at once. Faults with `token.unknown`, and `token.first` for the last one of control's homes. */
export async function revokeToken(db: Db, caller: Caller, id: string): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const own = trx.deleteFrom('operator_tokens').where('subscription_id', '=', caller.subscriptionId)
    const gone = await own.where('id', '=', id).returning(['principal', 'role']).executeTakeFirst()
    if (!gone) {
      throw new Fault('token.unknown', 404, `there is no token '${id}'`, { hint: 'See all: mainstay token list' })
    }
    if (gone.principal === FIRST) await requireAnotherFirst(trx)
    await audit(trx, caller, { action: 'token revoke', subject: gone.principal, before: { role: gone.role } })
  })
}

// As long as its file is there a start of control makes it again; so it is replaced first, and then revoked.
async function requireAnotherFirst(trx: Db): Promise<void> {
  const other = await trx.selectFrom('operator_tokens').select('id').where('principal', '=', FIRST).executeTakeFirst()
  if (other) return
  throw new Fault('token.first', 409, 'this is the only token in a home of control', {
    hint: 'To replace it: remove operator.token there, start control again, which makes another, and then revoke this one.',
  })
}
