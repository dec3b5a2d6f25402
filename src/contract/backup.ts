// Backups as they cross process borders: what a vault holds of a server, and how a restore or a check went.

/** What is to be restored: the end of what there is, a moment (ISO 8601), or one backup by itself. */
export type BackupTarget = { kind: 'latest' } | { kind: 'time'; at: string } | { kind: 'backup'; id: string }

export type BackupSummary = {
  id: string
  startedAt: string
  endedAt: string
  plainBytes: number
  storedBytes: number
  /** Moments that can be restored with it; null when it cannot be used, and why. */
  restorable: { from: string; to: string } | null
  problem: string | null
}

/** Newest first. `gaps`: WAL that is missing, in words. */
export type VaultContent = {
  vault: string
  backups: BackupSummary[]
  restorable: { from: string; to: string } | null
  gaps: string[]
  problems: string[]
}

/** How a moment would be restored: from which backup, how much is to be fetched, and what was passed over. */
export type RestoreOutline = { backup: string; bytes: number; restoresTo: string; walObjects: number; notes: string[] }

export type BackupTaken = { id: string; plainBytes: number; storedBytes: number }

/** `rows`: of all tables, when the newest moment was restored for the check. */
export type BackupVerdict = {
  objects: number
  bytes: number
  problems: string[]
  rows: number | null
  indexes: number | null
}

/** What a host says of the backups of a server whose primary it runs. Times in ISO 8601. */
export type BackupFacts = {
  vault: string
  /** How its WAL gets there. */
  state: 'connecting' | 'streaming' | 'stopped'
  behindBytes: number | null
  /** Every moment between these two can be restored. */
  restorableFrom: string | null
  restorableTo: string | null
  newestAt: string | null
  /** Of one that is being taken now. */
  takenBytes: number | null
  problem: string | null
}

/** A request about a server's part of the vault; `key` opens it (base64). `job` names work that takes long. */
export type VaultRequest = { key: string; job: string }
export type OutlineRequest = VaultRequest & { target: BackupTarget }
export type VerifyRequest = VaultRequest & { isRestored: boolean; superuserPassword: string }

/** A service as a backup of the server `from` has it; `superuserPassword` opens what is restored. */
export type RestoredServiceRequest = VaultRequest & {
  from: string
  superuserPassword: string
  target: BackupTarget
  serviceId: string
  schema: string
}
