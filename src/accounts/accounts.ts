// Machines' accounts: join tokens, and the certificates that they are exchanged for.
import { generateKeyPairSync } from 'node:crypto'
import { type Kysely, sql } from 'kysely'
import type { ControlDatabase } from '../contract/control-schema.ts'
import {
  encodeJoinToken,
  type JoinAnswer,
  type JoinRequest,
  type MachineRole,
  type RenewAnswer,
} from '../contract/join.ts'
import { PROTOCOL_VERSION_UNNAMED } from '../contract/protocols.ts'
import { lifeOf } from '../kit/certificate-life.ts'
import type { Credentials } from '../kit/door.ts'
import { Fault } from '../kit/fault.ts'
import { randomId, randomKey, slugOf } from '../kit/identifiers.ts'
import { isSameSecret } from '../kit/same-secret.ts'
import { type Authority, issueCertificate, issueServerCertificate, makeAuthority } from './authority.ts'
import { hashToken, type Seal } from './seal.ts'

/** How long things are good that are given to machines. */
export type Lives = { certificateMs: number; joinTokenMs: number }

export class Accounts {
  readonly #db: Kysely<ControlDatabase>
  readonly #authority: Authority
  readonly #lives: Lives

  constructor(db: Kysely<ControlDatabase>, authority: Authority, lives: Lives) {
    this.#db = db
    this.#authority = authority
    this.#lives = lives
  }

  /** Opens the accounts, making the authority at first use. */
  static async open(db: Kysely<ControlDatabase>, seal: Seal, lives: Lives): Promise<Accounts> {
    const kept = await readSealedAuthority(db)
    if (kept !== null) return new Accounts(db, openAuthority(seal, kept), lives)
    const authority = await makeAuthority()
    await db
      .insertInto('secrets')
      .values({ name: 'authority', sealed: seal.seal(JSON.stringify(authority)) })
      .onConflict((conflict) => conflict.doNothing())
      .execute()
    // Another control process may have been faster: there is one authority, whoever made it.
    return new Accounts(db, openAuthority(seal, (await readSealedAuthority(db)) ?? ''), lives)
  }

  /** True when the database holds secrets, which only their own key opens. */
  static async hasSecrets(db: Kysely<ControlDatabase>): Promise<boolean> {
    return (await readSealedAuthority(db)) !== null
  }

  /** Makes a join token: single use, short-lived, for one role in one domain, or for one machine that joins again. */
  async createJoinToken(wanted: {
    role: MachineRole
    domain: string
    machine?: string
  }): Promise<{ token: string; expiresAt: Date }> {
    const id = randomId()
    const secret = randomKey()
    const expiresAt = new Date(Date.now() + this.#lives.joinTokenMs)
    await this.#db
      .insertInto('join_tokens')
      .values({
        id,
        secret_hash: hashToken(secret),
        role: wanted.role,
        domain: wanted.domain,
        expires_at: expiresAt,
        used_by: null,
        machine: wanted.machine ?? null,
      })
      .execute()
    return { token: encodeJoinToken({ id, secret, ...wanted, authority: this.#authority.certificate }), expiresAt }
  }

  /** Exchanges a join token for a certificate. Faults with `join.refused`; why, only the holder of the secret is told. */
  async join(request: JoinRequest): Promise<JoinAnswer> {
    return await this.#db.transaction().execute(async (trx) => {
      const token = await trx
        .selectFrom('join_tokens')
        .selectAll()
        .where('id', '=', String(request.id))
        .forUpdate()
        .executeTakeFirst()
      const isHolder = token && isSameSecret(token.secret_hash, hashToken(String(request.secret)))
      const problem = isHolder ? tokenProblem(token, request, Date.now()) : 'is not known here'
      if (!token || problem !== null) {
        throw new Fault('join.refused', 403, `this join token ${problem}`, {
          hint: `Make a new one, which works once: ${commandFor(request)}`,
        })
      }
      const name = token.used_by ?? token.machine ?? (await this.#freeName(trx, request))
      const { certificate, untilMs } = await this.#issue({ ...request, name }, request.publicKey)
      const joined = { protocol: request.protocol ?? PROTOCOL_VERSION_UNNAMED, certificate_until: new Date(untilMs) }
      if (token.used_by === null && token.machine === null) {
        await trx
          .insertInto('machines')
          .values({ name, role: request.role, domain: request.domain, ...joined })
          .execute()
      } else {
        const machine = await trx.selectFrom('machines').selectAll().where('name', '=', name).executeTakeFirst()
        if (!machine || machine.revoked_at !== null) throw revokedFault(name)
        await trx.updateTable('machines').set(joined).where('name', '=', name).execute()
      }
      const used = { used_by: name, used_key: hashToken(request.publicKey) }
      await trx.updateTable('join_tokens').set(used).where('id', '=', token.id).execute()
      return { name, certificate }
    })
  }

  /** A new certificate for a machine that is ours: same name, role and domain, a fresh key. */
  async renew(machine: { name: string; role: string; domain: string }, publicKey: string): Promise<RenewAnswer> {
    const { certificate, untilMs } = await this.#issue(machine, publicKey)
    await this.#db
      .updateTable('machines')
      .set({ certificate_until: new Date(untilMs) })
      .where('name', '=', machine.name)
      .execute()
    return { certificate }
  }

  /** Credentials for control's own door: a fresh key each time, from the authority that is here. */
  async controlCredentials(domain: string): Promise<Credentials> {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const { certificate } = await this.#issue(
      { name: 'control', role: 'control', domain },
      publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    )
    return {
      key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      certificate,
      authority: this.#authority.certificate,
    }
  }

  /** The certificate of the authority, PEM: who trusts it trusts what control shows of itself. */
  get authorityCertificate(): string {
    return this.#authority.certificate
  }

  /** A certificate of this control as a web server, with a fresh key; the chain ends at the authority. */
  async serverCredentials(names: string[]): Promise<{ cert: string; key: string }> {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const spki = publicKey.export({ type: 'spki', format: 'pem' }).toString()
    const options = { publicKey: spki, lifeMs: this.#lives.certificateMs }
    const certificate = await issueServerCertificate(this.#authority, names, options)
    return {
      cert: `${certificate}${this.#authority.certificate}`,
      key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    }
  }

  async #issue(subject: { name: string; role: string; domain: string }, publicKey: string) {
    const options = { publicKey, lifeMs: this.#lives.certificateMs }
    const certificate = await issueCertificate(this.#authority, subject, options)
    return { certificate, untilMs: lifeOf(certificate).untilMs }
  }

  // "West US" → west-us-1, west-us-2, …; gateways are gateway-1, ….
  async #freeName(trx: Kysely<ControlDatabase>, request: JoinRequest): Promise<string> {
    const stem = request.role === 'gateway' ? 'gateway' : slugOf(request.domain)
    // Machines that join at once would find the same name free.
    await sql`select pg_advisory_xact_lock(hashtextextended('names of machines', 0))`.execute(trx)
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

/** What a machine is told that is ours no more. */
export function revokedFault(name: string): Fault {
  return new Fault('machine.revoked', 403, `${name} was revoked: it is no machine of this cloud any more`, {
    hint: 'Let it join as a new machine, with an empty home and a new token.',
  })
}

type TokenRow = {
  role: string
  domain: string
  machine: string | null
  used_by: string | null
  used_key: string | null
  expires_at: Date
}

// Why a token whose secret is right does not do, or null.
function tokenProblem(token: TokenRow, request: JoinRequest, nowMs: number): string | null {
  // The same key again: the answer was lost on its way, or with the machine's process.
  const isRepeated = token.used_key !== null && token.used_key === hashToken(request.publicKey)
  if (token.used_by !== null && !isRepeated) return `was used already, by ${token.used_by}`
  if (token.expires_at.getTime() <= nowMs) return `expired at ${token.expires_at.toISOString()}`
  if (token.role !== request.role || token.domain !== request.domain) {
    return `is for a ${token.role} of ${token.domain}, not for a ${request.role} of ${request.domain}`
  }
  if (token.machine === (request.machine ?? null)) return null
  return token.machine === null ? `is for a new machine, not for ${request.machine}` : `is for ${token.machine} only`
}

function commandFor(request: JoinRequest): string {
  const command = 'mainstay join-token create'
  if (request.machine !== undefined) return `${command} --machine ${request.machine}`
  const where = request.role === 'host' ? '--region' : '--domain'
  return `${command} --role ${request.role} ${where} "${request.domain}"`
}
