// The first owner: where nobody can sign in yet, a link is made for whoever can read control's home.
import { rm } from 'node:fs/promises'
import { type Kysely, sql } from 'kysely'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { readTextIfAny, writeFileDurably } from '../kit/files.ts'
import { randomId } from '../kit/identifiers.ts'
import { DEFAULT_SUBSCRIPTION } from './caller.ts'
import { writeInvitation } from './people.ts'
import { hashToken } from './seal.ts'

const NAME = 'owner'

/**
 * Writes the link's token into the file, mode 0600, as long as nobody can sign in, and takes it away afterwards. Where
 * several control processes share a database, the file is with the one that was first.
 */
export async function ensureFirstOwner(db: Kysely<ControlDatabase>, file: string): Promise<void> {
  const isWaiting = await db.transaction().execute(async (trx) => {
    await sql`select pg_advisory_xact_lock(hashtextextended('first owner', 0))`.execute(trx)
    const anybody = trx.selectFrom('accounts').select('id').where('subscription_id', '=', DEFAULT_SUBSCRIPTION)
    const canSignIn = anybody.where((eb) =>
      eb.or([eb('password_hash', 'is not', null), eb('oidc_subject', 'is not', null)]),
    )
    if (await canSignIn.executeTakeFirst()) return false
    const kept = (await readTextIfAny(file))?.trim()
    const invited = await trx.selectFrom('invitations').selectAll().where('expires_at', '>', new Date()).execute()
    // Another control process has it, or an owner by token has invited somebody.
    if (invited.length > 0) return invited.some(({ token_hash }) => kept && token_hash === hashToken(kept))
    const owner = await anybody.where('role', '=', 'owner').executeTakeFirst()
    const id = owner?.id ?? randomId()
    const row = { id, subscription_id: DEFAULT_SUBSCRIPTION, name: NAME, role: 'owner' as const }
    if (!owner) await trx.insertInto('accounts').values(row).execute()
    const { token } = await writeInvitation(trx, id)
    // Before the commit: who dies in between leaves a file without an invitation, which the next start replaces. The
    // other way round nobody would have the link.
    await writeFileDurably(file, `${token}\n`, 0o600)
    return true
  })
  if (!isWaiting) await rm(file, { force: true })
}
