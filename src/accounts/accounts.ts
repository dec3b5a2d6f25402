// Who may do what: operators by token, machines by join token and certificate.
import { generateKeyPairSync } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { encodeJoinToken, type JoinAnswer, type JoinRequest, type MachineRole } from '../contract/join.ts'
import type { Credentials } from '../kit/door.ts'
import { Fault } from '../kit/fault.ts'
import { readTextIfAny, writeFileDurably } from '../kit/files.ts'
import { randomId, randomKey, slugOf } from '../kit/identifiers.ts'
import { type Authority, issueCertificate, makeAuthority } from './authority.ts'
import { hashToken, isSameHash, type Seal } from './seal.ts'

export type Caller = { principal: string; subscriptionId: string }

const DEFAULT_SUBSCRIPTION = 'default'
const JOIN_TOKEN_MS = 3_600_000

export class Accounts {
  readonly #db: Kysely<ControlDatabase>
  readonly #authority: Authority

  constructor(db: Kysely<ControlDatabase>, authority: Authority) {
    this.#db = db
    this.#authority = authority
  }

  /** Opens the accounts, making the authority at first use. */
  static async open(db: Kysely<ControlDatabase>, seal: Seal): Promise<Accounts> {
    const kept = await readSealedAuthority(db)
    if (kept !== null) return new Accounts(db, openAuthority(seal, kept))
    const authority = await makeAuthority()
    await db
      .insertInto('secrets')
      .values({ name: 'authority', sealed: seal.seal(JSON.stringify(authority)) })
      .onConflict((conflict) => conflict.doNothing())
      .execute()
    // Another control process may have been faster: there is one authority, whoever made it.
    return new Accounts(db, openAuthority(seal, (await readSealedAuthority(db)) ?? ''))
  }

  /** True when the database holds secrets, which only their own key opens. */
  static async hasSecrets(db: Kysely<ControlDatabase>): Promise<boolean> {
    return (await readSealedAuthority(db)) !== null
  }

  /** Makes sure that the first operator's token exists, in the file and as a hash here. */
  async ensureOperator(tokenFile: string): Promise<void> {
    const kept = (await readTextIfAny(tokenFile))?.trim()
    const token = kept || randomKey(40)
    await this.#db
      .insertInto('operator_tokens')
      .values({
        id: randomId(),
        subscription_id: DEFAULT_SUBSCRIPTION,
        principal: 'operator',
        token_hash: hashToken(token),
      })
      .onConflict((conflict) => conflict.column('token_hash').doNothing())
      .execute()
    if (!kept) await writeFileDurably(tokenFile, `${token}\n`, 0o600)
  }

  /** Who sent this `authorization` header. Faults with `account.no_token` or `account.bad_token` (401). */
  async authenticate(header: string | undefined): Promise<Caller> {
    const token = header?.match(/^Bearer\s+(\S+)$/i)?.[1]
    if (!token) {
      throw new Fault('account.no_token', 401, 'the management API wants a token', {
        hint: 'Send it as "authorization: Bearer TOKEN"; it is in operator.token of the home folder.',
      })
    }
    const found = await this.#db
      .selectFrom('operator_tokens')
      .select(['principal', 'subscription_id'])
      .where('token_hash', '=', hashToken(token))
      .executeTakeFirst()
    if (!found) throw new Fault('account.bad_token', 401, 'this token is not known here')
    return { principal: found.principal, subscriptionId: found.subscription_id }
  }

  /** Makes a join token: single use, one hour, for one role in one domain. */
  async createJoinToken(role: MachineRole, domain: string): Promise<string> {
    const id = randomId()
    const secret = randomKey()
    await this.#db
      .insertInto('join_tokens')
      .values({
        id,
        secret_hash: hashToken(secret),
        role,
        domain,
        expires_at: new Date(Date.now() + JOIN_TOKEN_MS),
        used_by: null,
      })
      .execute()
    return encodeJoinToken({ id, secret, role, domain, authority: this.#authority.certificate })
  }

  /** Exchanges a join token for a certificate. Faults with `join.refused`, without saying which part was wrong. */
  async join(request: JoinRequest): Promise<JoinAnswer> {
    return await this.#db.transaction().execute(async (trx) => {
      const token = await trx
        .selectFrom('join_tokens')
        .selectAll()
        .where('id', '=', String(request.id))
        .forUpdate()
        .executeTakeFirst()
      const isGood =
        token !== undefined &&
        token.used_by === null &&
        token.expires_at.getTime() > Date.now() &&
        isSameHash(token.secret_hash, hashToken(String(request.secret))) &&
        token.role === request.role &&
        token.domain === request.domain
      if (!isGood) {
        throw new Fault('join.refused', 403, 'this join token is wrong, used, expired, or for another role or domain', {
          hint: 'Make a new one; it works once, within an hour.',
        })
      }
      const name = await this.#freeName(trx, request)
      const certificate = await issueCertificate(this.#authority, { ...request, name }, request.publicKey)
      await trx.insertInto('machines').values({ name, role: request.role, domain: request.domain }).execute()
      await trx.updateTable('join_tokens').set({ used_by: name }).where('id', '=', token.id).execute()
      return { name, certificate }
    })
  }

  /** Credentials for control's own door: a fresh key each time, from the authority that is here. */
  async controlCredentials(domain: string): Promise<Credentials> {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const certificate = await issueCertificate(
      this.#authority,
      { name: 'control', role: 'control', domain },
      publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    )
    return {
      key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      certificate,
      authority: this.#authority.certificate,
    }
  }

  // "West US" → west-us-1, west-us-2, …; gateways are gateway-1, ….
  async #freeName(trx: Kysely<ControlDatabase>, request: JoinRequest): Promise<string> {
    const stem = request.role === 'gateway' ? 'gateway' : slugOf(request.domain)
    const taken = await trx.selectFrom('machines').select('name').where('name', 'like', `${stem}-%`).execute()
    const names = new Set(taken.map(({ name }) => name))
    for (let number = 1; ; number += 1) if (!names.has(`${stem}-${number}`)) return `${stem}-${number}`
  }
}

async function readSealedAuthority(db: Kysely<ControlDatabase>): Promise<string | null> {
  const kept = await db.selectFrom('secrets').select('sealed').where('name', '=', 'authority').executeTakeFirst()
  return kept?.sealed ?? null
}

/** Opens the authority, and with it proves that the key is the right one. Faults with `control.wrong_key`. */
export function openAuthority(seal: Seal, sealed: string): Authority {
  try {
    return JSON.parse(seal.open(sealed)) as Authority
  } catch {
    throw new Fault('control.wrong_key', 500, 'this control key does not open the secrets in the control database', {
      hint: 'Every control process on one database needs the same key: copy it with mainstay control key export.',
    })
  }
}
