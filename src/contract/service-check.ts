// Checking what a server holds of a service: asked of the hosts of its copies.
import type { RestoredServiceRequest } from './backup.ts'

/** `integerTables`: those of the tables whose ids are integers; left out by an older control. */
export type CheckRequest = {
  job: string
  serviceId: string
  schema: string
  epoch: number
  tables: string[]
  integerTables?: string[]
}

/** `problems`: what is not as it must be, in words; empty when all is well. `unchecked`: what could not be looked at. */
export type CheckAnswer = { tables: number; rows: number; indexes: number; problems: string[]; unchecked?: string[] }

/** Of each table: one checksum for each of DIGEST_RANGES ranges of its rows, and where the copy stood (as `0/3A21F60`). */
export type RangesRequest = { job: string; schema: string; tables: string[] }
export type RangesAnswer = { lsn: string; tables: { name: string; rows: number; ranges: string[] }[] }

/** Rows of some ranges: id, version, digest; from after an id on, at most as many as one answer holds. */
export type RowDigestsRequest = { schema: string; table: string; ranges: number[]; after: string | null }
export type RowDigest = [id: string, version: string, digest: string]
export type RowDigestsAnswer = { rows: RowDigest[]; isLast: boolean }

/** A table's rows are told apart into so many ranges, by their ids. */
export const DIGEST_RANGES = 64

export type CheckBackupRequest = RestoredServiceRequest & { tables: string[] }

/** `changed` and `gone`: rows that were written or deleted since. */
export type CheckBackupAnswer = {
  restoredTo: string
  rows: number
  changed: number
  gone: number
  problems: string[]
}
