// Repositories as git works on them: what the rows hold, kept in a folder of this process; each request has a copy of
// its own, of refs and of what it adds, which is thrown away.
import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Kysely } from 'kysely'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { readJsonIfAny, readTextIfAny, removeTree, writeJson } from '../kit/files.ts'
import { SOURCE_PACKS_PER_INDEX } from '../kit/limits.ts'
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

  /** Opens them in a folder of control's home; what a former process left half done goes. */
  static async open(folder: string): Promise<Repositories> {
    await removeTree(join(folder, 'work'))
    for (const name of ['work', 'kept']) await mkdir(join(folder, name), { recursive: true, mode: 0o700 })
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
    const kept = await this.#bringUpToDate(db, repository.service_id)
    const root = join(this.#folder, 'work', randomBytes(8).toString('hex'))
    const folder = join(root, REPOSITORY)
    try {
      await makeBareRepository(folder, { branch: repository.branch, refs, objects: join(kept, 'objects') })
      return await work({ root, folder })
    } finally {
      await removeTree(root)
    }
  }

  // Where all objects of a repository are. It has no refs: those are rows, and each copy's own.
  async #bringUpToDate(db: Db, serviceId: string): Promise<string> {
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
    const wasThere = (await readTextIfAny(join(folder, KNOWN))) !== null
    try {
      return await addMissing(db, serviceId, folder)
    } catch (error) {
      // All of it can be had again, from the rows. A folder that was not there is not the reason.
      if (!wasThere) throw error
      await removeTree(folder)
      return await addMissing(db, serviceId, folder)
    }
  }
}

async function addMissing(db: Db, serviceId: string, folder: string): Promise<string> {
  const packs = await listPacks(db, serviceId)
  const known = new Set((await readJsonIfAny<string[]>(join(folder, KNOWN))) ?? (await begin(folder)))
  const missing = packs.filter(({ id }) => !known.has(id))
  if (missing.length === 0) return folder
  const hadIndexes = Math.floor(known.size / SOURCE_PACKS_PER_INDEX)
  for (const pack of missing) {
    await git(['index-pack', '--stdin'], { folder, input: readPack(db, pack) })
    known.add(pack.id)
  }
  if (Math.floor(known.size / SOURCE_PACKS_PER_INDEX) > hadIndexes) await git(['multi-pack-index', 'write'], { folder })
  await writeJson(join(folder, KNOWN), [...known])
  return folder
}

async function begin(folder: string): Promise<string[]> {
  await removeTree(folder)
  await makeBareRepository(folder, { branch: 'master', refs: new Map(), objects: null })
  return []
}
