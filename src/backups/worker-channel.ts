// What a host and the process that takes a base backup for it and removes what has expired say to each other.
import type { Upstream } from '../databases/cluster-config.ts'
import type { BaseManifest } from './base-manifest.ts'

/** What it is told; nothing of it stands in a command line. `vault` as `--vault` has it. */
export type BackupOrder = {
  vault: string
  server: string
  key: string
  from: Upstream
  epoch: number
  keepDays: number
}

export type BackupDone = {
  manifest: BaseManifest
  /** ISO 8601: the first moment that can be restored, now that what had expired is gone; null where that is unknown. */
  restorableFrom: string | null
  /** Why nothing that has expired could be removed. */
  problem: string | null
}

/** What it tells. */
export type BackupWord =
  | { kind: 'started'; id: string }
  | { kind: 'progress'; bytes: number }
  | ({ kind: 'done' } & BackupDone)
  | { kind: 'failed'; code: string; message: string; hint: string | null }
