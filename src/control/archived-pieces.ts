// What every archive would carry along each time, and never changes: pieces of repositories and parts of npm modules.
// In a vault each lies by itself and once, beside the archives that name it.
import { createHash } from 'node:crypto'
import type { Kysely } from 'kysely'
import type pg from 'pg'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { ARCHIVED_PIECE_MARGIN_MS, NPM_MODULES_PART_BYTES } from '../kit/limits.ts'
import { requireModules } from '../kit/module-files.ts'
import type { Vault } from '../kit/vault.ts'

type Db = Kysely<ControlDatabase>

/** Where what the services have is not whole in the vault: their names. */
export type LostPieces = { repositories: string[]; modules: string[] }

/** Tables whose rows are pieces. */
export const PIECE_TABLES = ['source_chunks', 'npm_module_parts']
/** A mark for each piece that no row names any more: since when. */
const GONE = 'control-gone/'

type Kind = {
  prefix: string
  /** The pieces that there are, by name. */
  list: (db: Db) => Promise<string[]>
  read: (db: Db, name: string) => Promise<Uint8Array | null>
}

const SOURCE: Kind = {
  prefix: 'control-source/',
  list: async (db) => (await db.selectFrom('source_chunks').select('hash').execute()).map(({ hash }) => hash),
  read: async (db, name) => {
    const own = db.selectFrom('source_chunks').select('bytes').where('hash', '=', name)
    return (await own.executeTakeFirst())?.bytes ?? null
  },
}

const MODULES: Kind = {
  prefix: 'control-modules/',
  list: async (db) => {
    const rows = await db.selectFrom('npm_module_parts').select(['hash', 'part']).execute()
    return rows.map(({ hash, part }) => partName(hash, part))
  },
  read: async (db, name) => {
    const [hash = '', part] = name.split('.')
    const own = db.selectFrom('npm_module_parts').select('content').where('hash', '=', hash)
    return (await own.where('part', '=', Number(part)).executeTakeFirst())?.content ?? null
  },
}

const KINDS = [SOURCE, MODULES]

/** Keeps the pieces of one vault. */
export class PieceKeeper {
  readonly #vault: Vault
  /** Of the pieces that there are now, those that lie in the vault; null before that was looked up. */
  #lying: Set<string> | null = null

  constructor(vault: Vault) {
    this.#vault = vault
  }

  /** Puts there what is not there yet. Before the archive that names it. */
  async keep(db: Db): Promise<void> {
    const lying = this.#lying ?? new Set((await this.#listAll()).flat())
    // What fails may have left anything.
    this.forget()
    const marked = new Set(await this.#vault.list(GONE))
    const there = new Set<string>()
    for (const kind of KINDS) {
      for (const name of await kind.list(db)) {
        const key = kind.prefix + name
        // It was gone for a while, and from now on archives name it again.
        if (marked.has(GONE + key)) await this.#vault.remove(GONE + key)
        if (lying.has(key) || (await this.#put(db, kind, name))) there.add(key)
      }
    }
    // What comes back after it was gone is put there anew: another process may have removed it meanwhile.
    this.#lying = there
  }

  /** Looks up anew what the vault has, before it keeps the next one: it may be another than it was. */
  forget(): void {
    this.#lying = null
  }

  /**
   * Removes what no archive in the vault can name any more: what was gone before the oldest of them was taken. What
   * goes from the rows is marked first, so a piece outlives every archive from before its end.
   */
  async sweep(db: Db, oldest: Date): Promise<void> {
    const marked = new Set((await this.#vault.list(GONE)).map((key) => key.slice(GONE.length)))
    for (const kind of KINDS) {
      const named = new Set((await kind.list(db)).map((name) => kind.prefix + name))
      const lying = await this.#vault.list(kind.prefix)
      for (const key of lying.filter((one) => !named.has(one))) {
        const mark = GONE + key
        if (!marked.has(key)) await this.#vault.put(mark, Buffer.from(new Date().toISOString()))
        else if (await this.#isForgotten(mark, oldest)) {
          await this.#vault.remove(key)
          // It may have been stored again at this moment.
          await this.#put(db, kind, key.slice(kind.prefix.length))
          await this.#vault.remove(mark)
        }
      }
      // Named again, or removed by a sweep that was broken off.
      const gone = new Set(lying.filter((key) => !named.has(key)))
      for (const key of marked) {
        if (key.startsWith(kind.prefix) && !gone.has(key)) await this.#vault.remove(GONE + key)
      }
    }
  }

  async #listAll(): Promise<string[][]> {
    return await Promise.all(KINDS.map(async ({ prefix }) => await this.#vault.list(prefix)))
  }

  async #isForgotten(mark: string, oldest: Date): Promise<boolean> {
    const since = Date.parse(Buffer.from((await this.#vault.get(mark)) ?? []).toString())
    // Clocks of control processes may differ.
    return oldest.getTime() > since + ARCHIVED_PIECE_MARGIN_MS
  }

  // False where no row has it any more.
  async #put(db: Db, kind: Kind, name: string): Promise<boolean> {
    const bytes = await kind.read(db, name)
    if (bytes !== null) await this.#vault.put(kind.prefix + name, bytes)
    return bytes !== null
  }
}

/**
 * Brings the pieces back of which restored rows speak. A repository of which one is missing is taken away, so that
 * source control can be enabled anew, and npm modules, so that they can be installed anew; all else of their services
 * is not touched. `tables`: those of the archive, which may be of an older release.
 */
export async function loadPieces(client: pg.Client, vault: Vault, tables: ReadonlySet<string>): Promise<LostPieces> {
  return {
    repositories: tables.has('source_packs') ? await loadChunks(client, vault) : [],
    // Older archives hold the parts themselves.
    modules: tables.has('npm_modules') && !tables.has('npm_module_parts') ? await loadModules(client, vault) : [],
  }
}

async function loadChunks(client: pg.Client, vault: Vault): Promise<string[]> {
  const { rows } = await client.query<{ hash: string; services: string[] }>(
    `select hash, array_agg(distinct service_id) as services from source_packs, unnest(chunks) as hash group by hash`,
  )
  const broken = new Set<string>()
  for (const { hash, services } of rows) {
    const bytes = await vault.get(SOURCE.prefix + hash)
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

async function loadModules(client: pg.Client, vault: Vault): Promise<string[]> {
  const { rows } = await client.query<{ hash: string; bytes: number }>('select hash, bytes from npm_modules')
  const names: string[] = []
  for (const { hash, bytes } of rows) {
    const parts = await readParts(vault, hash, Math.ceil(bytes / NPM_MODULES_PART_BYTES))
    if (parts !== null) {
      for (const [part, content] of parts.entries()) {
        await client.query('insert into npm_module_parts values ($1, $2, $3)', [hash, part, content])
      }
      continue
    }
    const found = await client.query<{ name: string }>(
      `update services set npm_modules = null where npm_modules = $1 returning name`,
      [hash],
    )
    names.push(...found.rows.map(({ name }) => name))
    await client.query('delete from npm_modules where hash = $1', [hash])
  }
  return names
}

// Null where they are not whole.
async function readParts(vault: Vault, hash: string, count: number): Promise<Buffer[] | null> {
  const parts: Buffer[] = []
  for (let part = 0; part < count; part += 1) {
    const bytes = await vault.get(MODULES.prefix + partName(hash, part))
    if (bytes === null) return null
    parts.push(Buffer.from(bytes))
  }
  return await requireModules(Buffer.concat(parts), hash).then(
    () => parts,
    () => null,
  )
}

function partName(hash: string, part: number): string {
  return `${hash}.${part}`
}
