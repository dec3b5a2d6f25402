// The authority that issues certificates for this cloud, and who we are to it: one row, or none.
import type { Kysely, Selectable } from 'kysely'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { Fault } from '../kit/fault.ts'

type Db = Kysely<ControlDatabase>
export type AcmeAuthority = Selectable<ControlDatabase['certificate_authority']>

/** Null: certificates are not issued by themselves. */
export async function findAuthority(db: Db): Promise<AcmeAuthority | null> {
  return (await db.selectFrom('certificate_authority').selectAll().executeTakeFirst()) ?? null
}

/** Faults with `acme.off`. */
export async function getAuthority(db: Db): Promise<AcmeAuthority> {
  const found = await findAuthority(db)
  if (found) return found
  throw new Fault('acme.off', 409, 'this cloud has no authority that issues certificates', {
    hint: 'An owner names one: mainstay acme set --directory URL --contact MAIL --agree-terms',
  })
}

/** Writes it in the place of any other. */
export async function writeAuthority(
  trx: Db,
  row: { directory_url: string; contact: string | null; account_key: string; account_url: string | null },
): Promise<void> {
  await trx.deleteFrom('certificate_authority').execute()
  await trx.insertInto('certificate_authority').values(row).execute()
}

/** Notes the account that the authority keeps for our key. */
export async function noteAccount(db: Db, authority: AcmeAuthority, accountUrl: string): Promise<void> {
  await db
    .updateTable('certificate_authority')
    .set({ account_url: accountUrl })
    .where('account_key', '=', authority.account_key)
    .execute()
}

/** Issues nothing any more. What was issued stays as it is. */
export async function removeAuthority(trx: Db): Promise<void> {
  await trx.deleteFrom('certificate_authority').execute()
}
