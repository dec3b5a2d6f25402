// What an authority asks for at domains, as rows, while orders of ours are under way: every gateway answers it.
import type { Kysely, Selectable } from 'kysely'
import type { ControlDatabase } from '../contract/control-schema.ts'

type Db = Kysely<ControlDatabase>
export type CertificateChallenge = Selectable<ControlDatabase['certificate_challenges']>

/** All of them. */
export async function listChallenges(db: Db): Promise<CertificateChallenge[]> {
  return await db.selectFrom('certificate_challenges').selectAll().orderBy('token').execute()
}
