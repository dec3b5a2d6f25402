// Catalogue facts of a made-up server's life, for tests of decisions about backups.
import type { BaseManifest } from '../../src/backups/base-manifest.ts'
import type { CatalogueFacts } from '../../src/backups/catalogue.ts'
import { makeBackupId, nameWal, partKey, type WalPiece } from '../../src/backups/object-names.ts'
import { formatLsn } from '../../src/databases/replication.ts'
import type { Fork } from '../../src/databases/timeline.ts'

const SEGMENT = 16n * 1_048_576n
export const HOUR_MS = 3_600_000
const T0 = Date.UTC(2026, 10, 1)
/** So many hours after the life began. */
export const hour = (hours: number) => new Date(T0 + hours * HOUR_MS)

export type Event =
  | { kind: 'wal' | 'lost' | 'half'; hours: number }
  | { kind: 'backup' }
  | { kind: 'fork'; back: number }

/** A server's life: it writes WAL, some of which is lost, is backed up, is promoted, or restored to where it was before. */
export function live(events: Event[]): CatalogueFacts & { now: number } {
  const manifests: BaseManifest[] = []
  const wal: WalPiece[] = []
  const histories = new Map<number, Fork[]>()
  let [now, timeline, position] = [0, 1, SEGMENT]
  for (const event of events) {
    switch (event.kind) {
      case 'wal':
      case 'half':
      case 'lost': {
        now += event.hours
        const end = event.kind === 'half' ? position + SEGMENT / 2n : position + SEGMENT
        if (event.kind !== 'lost') wal.push(nameWal('sql', { timeline, start: position, end, to: hour(now) }))
        // Half of a segment is followed by the whole of it.
        if (event.kind !== 'half') position = end
        break
      }
      case 'backup': {
        const id = makeBackupId(new Date(hour(now).getTime() + manifests.length * 1_000), '0000')
        manifests.push(manifestOf(id, { timeline, position, at: hour(now) }))
        break
      }
      case 'fork': {
        const fork = position - SEGMENT * BigInt(event.back) + 1n
        const history = (histories.get(timeline) ?? []).filter((line) => line.fork < fork)
        if (fork < SEGMENT || history.length < (histories.get(timeline)?.length ?? 0)) break
        const child = histories.size + 2
        histories.set(child, [...history, { parent: timeline, fork }])
        timeline = child
        position = fork - 1n
        now += 1
      }
    }
  }
  const parts = new Set(manifests.flatMap((manifest) => manifest.parts.map(({ key }) => key)))
  return { server: 'sql', manifests, parts, wal, histories, seen: null, problems: [], now }
}

function manifestOf(id: string, at: { timeline: number; position: bigint; at: Date }): BaseManifest {
  const part = { key: partKey('sql', id, 1), bytes: 1, sha256: '', storedBytes: 1 }
  return {
    id,
    server: 'sql',
    epoch: 1,
    system: '1',
    postgresVersion: '18.4',
    timeline: at.timeline,
    startLsn: formatLsn(at.position + 40n),
    endLsn: formatLsn(at.position + 100n),
    startedAt: at.at.toISOString(),
    endedAt: at.at.toISOString(),
    parts: [part],
    plainBytes: 1,
    storedBytes: 1,
  }
}
