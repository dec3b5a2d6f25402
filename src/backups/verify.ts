// Looks at every object of a server in a vault and names what is wrong with it, or missing.
import { formatLsn, parseLsn } from '../databases/replication.ts'
import { type Catalogue, makeCatalogue, type Seen } from './catalogue.ts'
import { historyKey, manifestKey, type NamedObject, walFolderOf } from './object-names.ts'
import { type ObjectProblem, problemOf } from './object-problems.ts'
import { eachOf, readCatalogueFacts } from './read-catalogue.ts'
import { fetchPart, fetchPiece } from './restore-data.ts'
import type { ServerVault } from './server-vault.ts'

export type VerifyReport = {
  /** Objects that were read, and what they hold, unpacked. */
  objects: number
  bytes: number
  problems: ObjectProblem[]
  catalogue: Catalogue
}

export type VerifyOptions = {
  /** Ids of backups that are being taken: they have parts and no manifest yet. Asked last, since one may begin. */
  underWay?: () => string[]
  onProgress?: (progress: { objects: number; total: number }) => void
  signal?: AbortSignal
}

/**
 * Reads everything, so it costs what fetching everything costs. Objects that go while it runs (expired, or pieces of
 * WAL that became a whole segment) are no problem. Faults with `vault.wrong_key` or the vault's own.
 */
export async function verifyBackups(vault: ServerVault, options: VerifyOptions = {}): Promise<VerifyReport> {
  const facts = await readCatalogueFacts(vault)
  const objects = await vault.list()
  const problems = new Map(facts.problems.map((problem) => [problem.key, problem]))
  const note = (problem: ObjectProblem) => problems.set(problem.key, problem)
  const parts = new Map(
    facts.manifests.flatMap((manifest) => manifest.parts.map((part) => [part.key, { manifest, part }] as const)),
  )
  const system = facts.manifests.at(-1)?.system ?? null
  let bytes = 0
  let read = 0
  await eachOf(objects, async (object) => {
    options.signal?.throwIfAborted()
    try {
      const held = await readWhole(vault, object, { named: parts.get(object.key) ?? null, system })
      bytes += held
    } catch (error) {
      const problem = problemOf(error)
      if (problem === null) throw error
      if (problem.code !== 'vault.missing') note(problem)
    }
    read += 1
    options.onProgress?.({ objects: read, total: objects.length })
  })
  // What went meanwhile was read before and is not listed again; what should be there is known now.
  const after = await readCatalogueFacts(vault)
  const catalogue = makeCatalogue({ ...after, problems: [...problems.values()] })
  const missing = { catalogue, seen: after.seen, objects: await vault.list(), underWay: options.underWay?.() ?? [] }
  for (const problem of findMissing(missing)) note(problem)
  return { objects: read, bytes, problems: [...problems.values()], catalogue }
}

type Named = Parameters<typeof fetchPart>[0] & object

async function readWhole(
  vault: ServerVault,
  object: NamedObject,
  known: { named: { manifest: Named; part: Parameters<typeof fetchPart>[1] } | null; system: string | null },
): Promise<number> {
  if (known.named) return (await fetchPart(known.named.manifest, known.named.part, vault)).length
  if (object.kind === 'wal' && known.system !== null) {
    return (await fetchPiece(object.piece, { system: known.system, vault })).length
  }
  return (await vault.get(object.key)).content.length
}

/** What must be there by what is there. Pure. */
function findMissing(facts: {
  catalogue: Catalogue
  seen: Seen | null
  objects: NamedObject[]
  underWay: string[]
}): ObjectProblem[] {
  const { catalogue, seen, objects, underWay } = facts
  const keys = new Set(objects.map(({ key }) => key))
  const lost: ObjectProblem[] = []
  const lack = (key: string, why: string) =>
    lost.push({ key, code: 'vault.missing', message: `${key} is missing: ${why}` })
  for (const { manifest } of catalogue.backups) {
    for (const { key } of manifest.parts) if (!keys.has(key)) lack(key, `backup ${manifest.id} has it as a part`)
  }
  const begun = new Set(objects.flatMap((object) => (object.kind === 'part' ? [object.backup] : [])))
  for (const id of begun) {
    const key = manifestKey(catalogue.server, id)
    if (!keys.has(key) && !underWay.includes(id)) lack(key, `there are parts of backup ${id}, which nobody is taking`)
  }
  for (const timeline of new Set(catalogue.ranges.map((range) => range.timeline))) {
    const key = historyKey(catalogue.server, timeline)
    if (timeline > 1 && !keys.has(key)) lack(key, `there is WAL of timeline ${timeline}`)
  }
  for (const { timeline, start, end } of catalogue.gaps) {
    const until = end === null ? 'its end' : formatLsn(end)
    lack(walAt(catalogue, timeline, start), `no WAL of timeline ${timeline} from ${formatLsn(start)} to ${until}`)
  }
  const last = catalogue.ranges.findLast((range) => range.timeline === seen?.timeline)
  if (seen !== null && (last === undefined || last.end < parseLsn(seen.lsn))) {
    const key = walAt(catalogue, seen.timeline, last?.end ?? 0n)
    lack(key, `at ${seen.at} there was WAL of timeline ${seen.timeline} up to ${seen.lsn}`)
  }
  return lost
}

// The rest of its name says where it ended and when, which nobody knows any more.
function walAt(catalogue: Catalogue, timeline: number, start: bigint): string {
  return `${walFolderOf(catalogue.server, timeline)}${start.toString(16).padStart(16, '0')}-`
}
