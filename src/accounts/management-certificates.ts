// Client certificates of the original's tools: pinned by their SHA-256, each with a name, a role, and an end.
import { createHash } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { ManagementCertificateView, Role } from '../contract/api.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { Fault } from '../kit/fault.ts'
import { randomId } from '../kit/identifiers.ts'
import { ACCOUNTS_LISTED_MAX, MANAGEMENT_CERTIFICATES_MAX, USE_NOTED_EVERY_MS } from '../kit/limits.ts'
import { audit } from './audit.ts'
import type { Caller, KnownCaller } from './caller.ts'
import { requireNobodys } from './people.ts'

type Db = Kysely<ControlDatabase>

/** SHA-256 of a certificate in DER, as it is pinned. */
export function fingerprintOf(raw: Uint8Array): string {
  return createHash('sha256').update(raw).digest('hex')
}

/** Who holds this certificate. Faults with `account.bad_certificate` (403). */
export async function callerOfCertificate(db: Db, raw: Uint8Array): Promise<KnownCaller> {
  const found = await db
    .selectFrom('management_certificates')
    .selectAll()
    .where('fingerprint', '=', fingerprintOf(raw))
    .executeTakeFirst()
  const now = new Date()
  const problem = found ? problemOf(found, now) : 'is not known here'
  if (!found || problem !== null) {
    throw new Fault('account.bad_certificate', 403, `this client certificate ${problem}`, {
      hint: 'Make a new file and import it: mainstay account publishsettings --out FILE; azure account import FILE',
    })
  }
  if (now.getTime() - (found.last_used_at?.getTime() ?? 0) > USE_NOTED_EVERY_MS) {
    await db.updateTable('management_certificates').set({ last_used_at: now }).where('id', '=', found.id).execute()
  }
  return { principal: found.name, subscriptionId: found.subscription_id, role: found.role }
}

function problemOf(row: { revoked_at: Date | null; expires_at: Date }, now: Date): string | null {
  if (row.revoked_at !== null) return `was revoked at ${row.revoked_at.toISOString()}`
  return row.expires_at <= now ? `ended at ${row.expires_at.toISOString()}` : null
}

/**
 * Pins a certificate; its private key is nothing that we keep. Several may have one name, but none that of a person
 * or a token. Faults with `account.bad_name` and `account.taken`.
 */
export async function pinCertificate(
  db: Db,
  caller: Caller,
  wanted: { name: string; role: Role; raw: Uint8Array; expiresAt: Date },
): Promise<ManagementCertificateView> {
  const { name, role, expiresAt } = wanted
  const id = randomId()
  const fingerprint = fingerprintOf(wanted.raw)
  await db.transaction().execute(async (trx) => {
    await requireNobodys(trx, caller.subscriptionId, name)
    const { count } = await trx
      .selectFrom('management_certificates')
      .select(({ fn }) => fn.countAll().as('count'))
      .where('subscription_id', '=', caller.subscriptionId)
      .where('revoked_at', 'is', null)
      .where('expires_at', '>', new Date())
      .executeTakeFirstOrThrow()
    if (Number(count) >= MANAGEMENT_CERTIFICATES_MAX) {
      throw new Fault('account.too_many', 409, `there are ${count} certificates of tools, and no room for more`, {
        hint: 'Revoke those that nobody uses: mainstay account cert list',
      })
    }
    await trx
      .insertInto('management_certificates')
      .values({
        ...{ id, subscription_id: caller.subscriptionId, name, role, fingerprint },
        ...{ issued_by: caller.principal, expires_at: expiresAt },
      })
      .execute()
    const after = { role, fingerprint, expiresAt: expiresAt.toISOString() }
    await audit(trx, caller, { action: 'account publishsettings', subject: name, after })
  })
  const [view] = await listCertificates(db, caller.subscriptionId, id)
  if (!view) throw new TypeError(`certificate ${id} is not there`)
  return view
}

/** Those of a subscription, the newest first; one where its id is given. */
export async function listCertificates(
  db: Db,
  subscriptionId: string,
  only?: string,
): Promise<ManagementCertificateView[]> {
  const all = db.selectFrom('management_certificates').selectAll().where('subscription_id', '=', subscriptionId)
  const rows = await (only === undefined ? all : all.where('id', '=', only))
    .orderBy('created_at', 'desc')
    .limit(ACCOUNTS_LISTED_MAX)
    .execute()
  return rows.map((row) => ({
    ...{ id: row.id, name: row.name, role: row.role, fingerprint: row.fingerprint, issuedBy: row.issued_by },
    ...{ createdAt: row.created_at.toISOString(), expiresAt: row.expires_at.toISOString() },
    lastUsedAt: row.last_used_at?.toISOString() ?? null,
    revokedAt: row.revoked_at?.toISOString() ?? null,
  }))
}

/** Ends a certificate at once; asked again it stays as it is. Faults with `account.unknown_certificate`. */
export async function revokeCertificate(db: Db, caller: Caller, id: string): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const own = trx.selectFrom('management_certificates').where('subscription_id', '=', caller.subscriptionId)
    const found = await own
      .select(['name', 'fingerprint', 'revoked_at'])
      .where('id', '=', id)
      .forUpdate()
      .executeTakeFirst()
    if (!found) {
      throw new Fault('account.unknown_certificate', 404, `there is no certificate '${id}'`, {
        hint: 'See all: mainstay account cert list',
      })
    }
    if (found.revoked_at !== null) return
    const revoked = trx.updateTable('management_certificates').set({ revoked_at: new Date() })
    await revoked.where('id', '=', id).execute()
    const before = { fingerprint: found.fingerprint }
    await audit(trx, caller, { action: 'account cert revoke', subject: found.name, before })
  })
}

/** The id by which tools name the subscription in their paths. */
export async function protocolIdOf(db: Db, subscriptionId: string): Promise<string> {
  const found = db.selectFrom('subscriptions').select('protocol_id').where('id', '=', subscriptionId)
  return (await found.executeTakeFirstOrThrow()).protocol_id
}
