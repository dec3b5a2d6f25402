// Finds where a receiver goes on with a primary, and makes sure that it may: same cluster, same history.
import type pg from 'pg'
import type { Upstream } from '../databases/cluster-config.ts'
import { formatLsn, parseLsn } from '../databases/replication.ts'
import { ensurePhysicalSlot, identifySystem, readTimelineHistory } from '../databases/replication-client.ts'
import { lineageOf, parseHistory } from '../databases/timeline.ts'
import { Fault } from '../kit/fault.ts'
import { requireSameSystem } from './base-manifest.ts'
import { historyKey, type NamedObject, type WalPiece } from './object-names.ts'
import { problemOf } from './object-problems.ts'
import type { ServerVault } from './server-vault.ts'
import { decideResume, type Resume, resumeAfterGap } from './wal-resume.ts'

export type WalPlace = Resume & {
  system: string
  /** The content of `last`, to be compared with what the primary sends; null where there is none. */
  lastContent: Buffer | null
  /** Keys of the pieces of the segment under way. */
  keys: string[]
}

/**
 * `isAfterGap` when the primary no longer has what follows on the vault's last. The slot is made first, so that WAL is
 * held from the first try on. Faults with `vault.other_system`, `vault.other_history`, or the vault's own.
 */
export async function findWalPlace(
  client: pg.Client,
  vault: ServerVault,
  options: { from: Upstream; isAfterGap: boolean; onServerEnd: (end: bigint) => void },
): Promise<WalPlace> {
  const { system, timeline, lsn } = await identifySystem(client)
  options.onServerEnd(parseLsn(lsn))
  const slotLsn = await ensurePhysicalSlot(client, options.from.slot, { isRenewed: options.isAfterGap })
  const objects = await vault.list()
  await requireSameSystem(vault, objects, system)
  const history = timeline === 1 ? '' : await readTimelineHistory(client, timeline)
  if (timeline > 1) await storeHistory(vault, { system, timeline, history })
  const lineage = lineageOf(timeline, parseHistory(history))
  const decide = (pieces: WalPiece[]) =>
    options.isAfterGap ? resumeAfterGap(lineage, parseLsn(slotLsn)) : decideResume(lineage, pieces, parseLsn(slotLsn))
  const { resume, lastContent } = await readLast(vault, objects, decide)
  return { ...resume, system, lastContent, keys: keysOf(objects, resume) }
}

/** The fault of WAL that does not go on what the vault has. */
export function otherHistory(vault: ServerVault, detail: string): Fault {
  return new Fault('vault.other_history', 409, `${vault.name} holds another past of ${vault.server}: ${detail}`, {
    hint: 'This data folder is an older or a foreign copy. Give it a vault of its own, or move the old backups away.',
  })
}

// A last piece that is damaged is as good as none: the primary still has what was in it, or there is a gap.
async function readLast(vault: ServerVault, objects: NamedObject[], decide: (pieces: WalPiece[]) => Resume) {
  let pieces = objects.flatMap((object) => (object.kind === 'wal' ? [object.piece] : []))
  for (;;) {
    const resume = decide(pieces)
    const { last } = resume
    if (last === null || last.end === resume.start) return { resume, lastContent: null }
    try {
      return { resume, lastContent: (await vault.get(last.key)).content }
    } catch (error) {
      if (problemOf(error) === null) throw error
      pieces = pieces.filter((piece) => piece !== last)
    }
  }
}

async function storeHistory(
  vault: ServerVault,
  given: { system: string; timeline: number; history: string },
): Promise<void> {
  const key = historyKey(vault.server, given.timeline)
  const held = await vault.get(key).catch((error: unknown) => {
    if (problemOf(error) !== null) return null
    throw error
  })
  if (held === null) await vault.put({ kind: 'history', key, system: given.system }, Buffer.from(given.history))
  else if (forksIn(held.content.toString('utf8')) !== forksIn(given.history)) {
    throw otherHistory(vault, `timeline ${given.timeline} began elsewhere`)
  }
}

function forksIn(history: string): string {
  return parseHistory(history)
    .map(({ parent, fork }) => `${parent} ${formatLsn(fork)}`)
    .join(', ')
}

function keysOf(objects: NamedObject[], { timeline, start, stored }: Resume): string[] {
  return objects.flatMap((object) => {
    if (object.kind !== 'wal' || object.piece.timeline !== timeline) return []
    return object.piece.start >= start && object.piece.end <= stored ? [object.key] : []
  })
}
