// The key that backups are sealed with: one for the cloud, in the control database and in no vault.
import { randomBytes } from 'node:crypto'
import type { Seal } from '../accounts/seal.ts'
import type { Db } from './database.ts'

const NAME = 'backups'
const KEY_BYTES = 32

/** Makes the key when there is none; whoever comes second keeps the first one's. */
export async function ensureBackupKey(db: Db, seal: Seal): Promise<void> {
  await db
    .insertInto('secrets')
    .values({ name: NAME, sealed: seal.seal(randomBytes(KEY_BYTES).toString('base64')) })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

/** The key as it is kept: sealed, and base64 inside. Null before it was made. */
export async function readBackupKey(db: Db): Promise<string | null> {
  const found = await db.selectFrom('secrets').select('sealed').where('name', '=', NAME).executeTakeFirst()
  return found?.sealed ?? null
}
