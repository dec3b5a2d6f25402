// Repositories of services as rows: that there is one, its refs, and its packs in pieces.
import { createHash } from 'node:crypto'
import { open, stat } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { type Kysely, type Selectable, sql } from 'kysely'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { Fault } from '../kit/fault.ts'
import { randomId } from '../kit/identifiers.ts'
import { SOURCE_CHUNK_BYTES, SOURCE_REPOSITORY_BYTES_MAX } from '../kit/limits.ts'
import type { Refs } from './bare-repository.ts'

type Db = Kysely<ControlDatabase>
export type Repository = Selectable<ControlDatabase['source_repositories']>
/** A pack of a repository, without its bytes. */
export type Pack = { id: string; chunks: string[] }

/** The repositories of some services. */
export async function listRepositories(db: Db, serviceIds: string[]): Promise<Repository[]> {
  if (serviceIds.length === 0) return []
  return await db.selectFrom('source_repositories').selectAll().where('service_id', 'in', serviceIds).execute()
}

/** The service's repository. Faults with `source.off` where it has none. */
export async function getRepository(db: Db, service: { id: string; name: string }): Promise<Repository> {
  const [found] = await listRepositories(db, [service.id])
  if (found) return found
  throw new Fault('source.off', 404, `'${service.name}' has no source control`, {
    hint: `Enable it: mainstay mobile preview enable ${service.name} SourceControl`,
  })
}

/** Locks it, so that commits come one after the other; null where there is none. */
export async function lockRepository(trx: Db, serviceId: string): Promise<Repository | null> {
  const own = trx.selectFrom('source_repositories').selectAll().where('service_id', '=', serviceId)
  return (await own.forUpdate().executeTakeFirst()) ?? null
}

/** Makes it, empty. */
export async function insertRepository(trx: Db, serviceId: string, branch: string): Promise<void> {
  await trx.insertInto('source_repositories').values({ service_id: serviceId, branch }).execute()
}

/** Notes which branch is deployed. */
export async function setBranch(trx: Db, serviceId: string, branch: string): Promise<void> {
  await trx.updateTable('source_repositories').set({ branch }).where('service_id', '=', serviceId).execute()
}

/** Its branches and tags. */
export async function readRefs(db: Db, serviceId: string): Promise<Refs> {
  const rows = await db.selectFrom('source_refs').select(['name', 'hash']).where('service_id', '=', serviceId).execute()
  return new Map(rows.map(({ name, hash }) => [name, hash]))
}

/** Points a branch or tag at a commit; null removes it. */
export async function writeRef(trx: Db, serviceId: string, name: string, hash: string | null): Promise<void> {
  if (hash === null) {
    await trx.deleteFrom('source_refs').where('service_id', '=', serviceId).where('name', '=', name).execute()
    return
  }
  await trx
    .insertInto('source_refs')
    .values({ service_id: serviceId, name, hash })
    .onConflict((conflict) => conflict.columns(['service_id', 'name']).doUpdateSet({ hash }))
    .execute()
}

/** Its packs, the oldest first. */
export async function listPacks(db: Db, serviceId: string): Promise<Pack[]> {
  const own = db.selectFrom('source_packs').select(['id', 'chunks']).where('service_id', '=', serviceId)
  return await own.orderBy('seq').execute()
}

/**
 * Faults with `source.full` where the pack in that file is too much. For pushes only: our own commits, of changes made
 * elsewhere and of what is brought back, are small, and a full repository must not hold them up.
 */
export async function requireRoom(trx: Db, service: { id: string; name: string }, path: string): Promise<void> {
  const { total } = await trx
    .selectFrom('source_packs')
    .select(sql<string>`coalesce(sum(bytes), 0)::text`.as('total'))
    .where('service_id', '=', service.id)
    .executeTakeFirstOrThrow()
  const bytes = Number(total) + (await stat(path)).size
  if (bytes <= SOURCE_REPOSITORY_BYTES_MAX) return
  throw new Fault('source.full', 413, `the repository of '${service.name}' would have ${bytes} bytes`, {
    hint: `${SOURCE_REPOSITORY_BYTES_MAX} are the most. Keep what is no script elsewhere.`,
  })
}

/** Adds the pack in that file. */
export async function storePack(trx: Db, service: { id: string }, path: string): Promise<void> {
  const file = await open(path)
  try {
    const { size } = await file.stat()
    const chunks: string[] = []
    for (let at = 0; at < size; at += SOURCE_CHUNK_BYTES) {
      const bytes = Buffer.alloc(Math.min(SOURCE_CHUNK_BYTES, size - at))
      await file.read(bytes, 0, bytes.length, at)
      const hash = createHash('sha256').update(bytes).digest('hex')
      await trx
        .insertInto('source_chunks')
        .values({ hash, bytes })
        .onConflict((conflict) => conflict.doNothing())
        .execute()
      chunks.push(hash)
    }
    await trx
      .insertInto('source_packs')
      .values({ id: randomId(), service_id: service.id, bytes: size, chunks })
      .execute()
  } finally {
    await file.close()
  }
}

/** The bytes of a pack, a piece at a time. */
export function readPack(db: Db, pack: Pack): Readable {
  async function* pieces(): AsyncGenerator<Buffer> {
    for (const hash of pack.chunks) {
      const own = db.selectFrom('source_chunks').select('bytes').where('hash', '=', hash)
      yield (await own.executeTakeFirstOrThrow()).bytes
    }
  }
  return Readable.from(pieces())
}
