// What a host and the process that takes a base backup for it say to each other.
import type { Upstream } from '../databases/cluster-config.ts'
import type { BaseManifest } from './base-manifest.ts'

/** What it is told; nothing of it stands in a command line. `vault` as `--vault` has it. */
export type BackupOrder = { vault: string; server: string; key: string; from: Upstream; epoch: number }

/** What it tells. */
export type BackupWord =
  | { kind: 'started'; id: string }
  | { kind: 'progress'; bytes: number }
  | { kind: 'done'; manifest: BaseManifest }
  | { kind: 'failed'; code: string; message: string; hint: string | null }
