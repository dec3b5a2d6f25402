// Reads a server's catalogue from the vault: one listing, and the few small objects that say more than their name.
import { deriveHistories, type Fork, parseHistory } from '../databases/timeline.ts'
import { BACKUP_READS_MAX, LISTINGS_MAX } from '../kit/limits.ts'
import { type BaseManifest, getManifest } from './base-manifest.ts'
import { type Catalogue, type CatalogueFacts, makeCatalogue, type Seen } from './catalogue.ts'
import type { NamedObject } from './object-names.ts'
import { type ObjectProblem, problemOf } from './object-problems.ts'
import type { ServerVault } from './server-vault.ts'

/**
 * What the vault holds. An object that is damaged is a problem of the catalogue, no fault; those in `avoid` (key and
 * what is wrong with it) count as absent. Faults with `vault.wrong_key`, or the vault's own.
 */
export async function readCatalogue(vault: ServerVault, avoid: ObjectProblem[] = []): Promise<Catalogue> {
  return makeCatalogue(await readCatalogueFacts(vault, avoid))
}

/** The same before it is put together. */
export async function readCatalogueFacts(vault: ServerVault, avoid: ObjectProblem[] = []): Promise<CatalogueFacts> {
  const avoided = new Set(avoid.map(({ key }) => key))
  const list = async () => (await vault.list()).filter(({ key }) => !avoided.has(key))
  let facts = await readFacts(vault, await list(), avoid)
  // A listing is not one moment: it may miss a whole segment that is just put and the pieces that it just replaced.
  for (let tries = 1; tries < LISTINGS_MAX && makeCatalogue(facts).gaps.length > 0; tries++) {
    const before = facts.wal.map(({ key }) => key).join()
    facts = await readFacts(vault, await list(), avoid)
    if (facts.wal.map(({ key }) => key).join() === before) break
  }
  return facts
}

async function readFacts(vault: ServerVault, objects: NamedObject[], avoid: ObjectProblem[]): Promise<CatalogueFacts> {
  const problems = [...avoid]
  const manifests: BaseManifest[] = []
  const histories = new Map<number, Fork[]>()
  let seen: Seen | null = null
  await eachOf(objects, async (object) => {
    try {
      if (object.kind === 'manifest') manifests.push(await getManifest(vault, object.backup))
      if (object.kind === 'history') {
        histories.set(object.timeline, parseHistory((await vault.get(object.key)).content.toString('utf8')))
      }
      if (object.kind === 'seen') seen = JSON.parse((await vault.get(object.key)).content.toString('utf8')) as Seen
    } catch (error) {
      const problem = problemOf(error)
      if (problem === null) throw error
      problems.push(problem)
    }
  })
  return {
    server: vault.server,
    manifests,
    parts: new Set(objects.flatMap(({ kind, key }) => (kind === 'part' ? [key] : []))),
    wal: objects.flatMap((object) => (object.kind === 'wal' ? [object.piece] : [])),
    // A lost history is known from that of a later timeline.
    histories: deriveHistories(histories),
    seen,
    problems,
  }
}

/** Does `work` for each, a few at a time. After a failure none is begun, and it is thrown when the others have ended. */
export async function eachOf<T>(items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
  const queue = items[Symbol.iterator]()
  let failure: { error: unknown } | null = null
  const worker = async () => {
    for (let next = queue.next(); !next.done && failure === null; next = queue.next()) {
      await work(next.value).catch((error: unknown) => {
        failure ??= { error }
      })
    }
  }
  await Promise.all(Array.from({ length: BACKUP_READS_MAX }, worker))
  if (failure !== null) throw (failure as { error: unknown }).error
}
