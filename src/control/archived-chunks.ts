// Pieces of repositories in a vault: each by itself and once, beside the archives, which would carry them all each
// time.
import { createHash } from 'node:crypto'
import type { Kysely } from 'kysely'
import type pg from 'pg'
import type { ControlDatabase } from '../contract/control-schema.ts'
import type { Vault } from '../kit/vault.ts'

const PREFIX = 'control-source/'

/** Which pieces a vault has: looked up once, and then known. */
export class ChunkKeeper {
  readonly #vault: Vault
  #known: Set<string> | null = null

  constructor(vault: Vault) {
    this.#vault = vault
  }

  /** Puts there what is not there yet. Before the archive that names it. */
  async keep(db: Kysely<ControlDatabase>): Promise<void> {
    const rows = await db.selectFrom('source_chunks').select('hash').execute()
    if (rows.length === 0) return
    this.#known ??= new Set((await this.#vault.list(PREFIX)).map((key) => key.slice(PREFIX.length)))
    for (const { hash } of rows) {
      if (this.#known.has(hash)) continue
      const own = db.selectFrom('source_chunks').select('bytes').where('hash', '=', hash)
      const found = await own.executeTakeFirst()
      // It went meanwhile, with its service: nothing names it any more.
      if (!found) continue
      await this.#vault.put(PREFIX + hash, found.bytes)
      this.#known.add(hash)
    }
  }
}

/**
 * Brings the pieces back of which restored rows speak. A repository of which one is missing is taken away, so that
 * source control can be enabled anew; what its service runs is not touched. Gives the names of those services.
 */
export async function loadChunks(client: pg.Client, vault: Vault): Promise<string[]> {
  const { rows } = await client.query<{ hash: string; services: string[] }>(
    `select hash, array_agg(distinct service_id) as services from source_packs, unnest(chunks) as hash group by hash`,
  )
  const broken = new Set<string>()
  for (const { hash, services } of rows) {
    const bytes = await vault.get(PREFIX + hash)
    if (bytes !== null && createHash('sha256').update(bytes).digest('hex') === hash) {
      await client.query('insert into source_chunks (hash, bytes) values ($1, $2)', [hash, Buffer.from(bytes)])
    } else for (const service of services) broken.add(service)
  }
  const names: string[] = []
  for (const id of broken) {
    for (const table of ['source_deployments', 'source_packs', 'source_refs', 'source_repositories']) {
      await client.query(`delete from ${table} where service_id = $1`, [id])
    }
    const found = await client.query<{ name: string }>('select name from services where id = $1', [id])
    names.push(found.rows[0]?.name ?? id)
  }
  return names
}
