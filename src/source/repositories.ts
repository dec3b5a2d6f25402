// Repositories as git works on them: what the rows hold, kept in a folder of this process; each request has a copy of
// its own, of refs and of what it adds, which is thrown away.
import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { Kysely } from 'kysely'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { Fault } from '../kit/fault.ts'
import { readJsonIfAny, removeTree, writeJson } from '../kit/files.ts'
import { GIT_INDEX_MS_MAX, SOURCE_PACKS_PER_INDEX } from '../kit/limits.ts'
import { makeBareRepository, type Refs } from './bare-repository.ts'
import { git } from './git.ts'
import { listPacks, type Repository, readPack } from './repository-rows.ts'

type Db = Kysely<ControlDatabase>

/** A repository in a folder, for one request. `root` holds nothing else. */
export type Workplace = { root: string; folder: string }

const REPOSITORY = 'repository.git'
const KNOWN = 'packs.json'

export class Repositories {
  readonly #folder: string
  readonly #underWay = new Map<string, Promise<unknown>>()

  private constructor(folder: string) {
    this.#folder = folder
  }

  /**
   * Opens them in a folder of control's home. What a former process left half done goes, and what is of no service any
   * more: now, before anybody works with it.
   */
  static async open(db: Db, folder: string): Promise<Repositories> {
    await removeTree(join(folder, 'work'))
    for (const name of ['work', 'kept']) await mkdir(join(folder, name), { recursive: true, mode: 0o700 })
    const kept = await readdir(join(folder, 'kept'))
    if (kept.length > 0) {
      const rows = await db.selectFrom('source_repositories').select('service_id').execute()
      const own = new Set(rows.map((row) => encodeURIComponent(row.service_id)))
      for (const name of kept) if (!own.has(name)) await removeTree(join(folder, 'kept', name))
    }
    return new Repositories(folder)
  }

  /**
   * Works on a copy that has all objects that the rows have now; `refs` are those of the caller's moment. In a transaction
   * `db` is that: who holds one connection must not wait for another.
   */
  async use<T>(
    db: Db,
    { repository, refs }: { repository: Repository; refs: Refs },
    work: (place: Workplace) => Promise<T>,
  ): Promise<T> {
    const kept = await this.bringUpToDate(db, repository.service_id)
    const root = this.#freshFolder()
    const folder = join(root, REPOSITORY)
    try {
      await makeBareRepository(folder, { branch: repository.branch, refs, objects: join(kept, 'objects') })
      return await work({ root, folder })
    } finally {
      await removeTree(root)
    }
  }

  /**
   * Gives the folder where all objects of a repository are, after git has read what it did not know. It has no refs:
   * those are rows, and each copy's own.
   */
  async bringUpToDate(db: Db, serviceId: string): Promise<string> {
    const before = this.#underWay.get(serviceId) ?? Promise.resolve()
    const own = before.catch(() => {}).then(async () => await this.#addOrBeginAnew(db, serviceId))
    this.#underWay.set(serviceId, own)
    try {
      return await own
    } finally {
      if (this.#underWay.get(serviceId) === own) this.#underWay.delete(serviceId)
    }
  }

  async #addOrBeginAnew(db: Db, serviceId: string): Promise<string> {
    const folder = join(this.#folder, 'kept', encodeURIComponent(serviceId))
    try {
      await addMissing(db, serviceId, folder)
    } catch (error) {
      if (!isDamage(error)) throw error
      await this.#makeAnew(db, serviceId, folder)
    }
    return folder
  }

  // All of it can be had again, from the rows. Others work with the folder: it goes when there is one for its place.
  async #makeAnew(db: Db, serviceId: string, folder: string): Promise<void> {
    const aside = this.#freshFolder()
    const [fresh, damaged] = [join(aside, 'fresh'), join(aside, 'damaged')]
    try {
      await addMissing(db, serviceId, fresh)
      await rename(folder, damaged)
      await rename(fresh, folder)
    } finally {
      await removeTree(aside)
    }
  }

  #freshFolder(): string {
    return join(this.#folder, 'work', randomBytes(8).toString('hex'))
  }
}

// Git looked and could not, or our own note of what is there cannot be read. A database that is away, or a git that
// took too long, says nothing of the folder.
function isDamage(error: unknown): boolean {
  return error instanceof SyntaxError || (error instanceof Fault && error.code === 'source.git_failed')
}

async function addMissing(db: Db, serviceId: string, folder: string): Promise<void> {
  const packs = await listPacks(db, serviceId)
  const known = new Set((await readJsonIfAny<string[]>(join(folder, KNOWN))) ?? (await begin(folder)))
  const missing = packs.filter(({ id }) => !known.has(id))
  if (missing.length === 0) return
  const hadIndexes = Math.floor(known.size / SOURCE_PACKS_PER_INDEX)
  const run = { folder, withinMs: GIT_INDEX_MS_MAX }
  for (const pack of missing) {
    await git(['index-pack', '--stdin'], { ...run, input: readPack(db, pack) })
    known.add(pack.id)
    // At once: what comes after may fail, and this is not to be done again.
    await writeJson(join(folder, KNOWN), [...known])
  }
  if (Math.floor(known.size / SOURCE_PACKS_PER_INDEX) > hadIndexes) await git(['multi-pack-index', 'write'], run)
}

async function begin(folder: string): Promise<string[]> {
  await removeTree(folder)
  await makeBareRepository(folder, { branch: 'master', refs: new Map(), objects: null })
  // Even without a pack: others may work with it from now on.
  await writeJson(join(folder, KNOWN), [])
  return []
}
