// What an authority asks for at domains, as rows, while orders of ours are under way: every gateway answers it.
import type { Kysely, Selectable } from 'kysely'
import type { ControlDatabase } from '../contract/control-schema.ts'

type Db = Kysely<ControlDatabase>
export type CertificateChallenge = Selectable<ControlDatabase['certificate_challenges']>

/** All of them. */
export async function listChallenges(db: Db): Promise<CertificateChallenge[]> {
  return await db.selectFrom('certificate_challenges').selectAll().orderBy('token').execute()
}

/** Has gateways answer at a domain for an order. */
export async function insertChallenge(trx: Db, challenge: CertificateChallenge): Promise<void> {
  await trx
    .insertInto('certificate_challenges')
    .values(challenge)
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

/** Has them answer no more for the order of an operation. */
export async function removeChallenges(trx: Db, operationId: string): Promise<void> {
  await trx.deleteFrom('certificate_challenges').where('operation_id', '=', operationId).execute()
}
