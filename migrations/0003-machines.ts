// Machines: what they run and until when their certificate is good, revocation, tokens for joining again. Not breaking.
import { type Kysely, sql } from 'kysely'

/** Adds columns that an older control leaves alone. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}

const STATEMENTS = [
  `alter table machines
     add column protocol integer,
     add column release text,
     add column certificate_until timestamptz,
     add column revoked_at timestamptz`,
  // Only the machine of that name may use such a token, and keeps its name.
  `alter table join_tokens
     add column machine text references machines,
     -- Hash of the key that it was exchanged for: whoever lost the answer may ask again with the same key.
     add column used_key text`,
]
