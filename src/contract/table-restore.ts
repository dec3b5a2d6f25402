// A table as it was, brought back into a service: asked of the host of its server's primary.
import type { RestoredServiceRequest } from './backup.ts'
import type { IdType } from './table-format.ts'

/** What a person wants back. `as`: into a table of its own; `ids`: only these rows; `isExact`: rows inserted since go. */
export type TableWish = { table: string; as: string | null; ids: string[] | null; isExact: boolean }

export type TableRestoreRequest = TableWish & RestoredServiceRequest

/** `found`: rows that it had then, of those that were asked for. `leftOut`: columns that are not there any more. */
export type TableRestored = {
  restoredTo: string
  found: number
  inserted: number
  updated: number
  deleted: number
  leftOut: string[]
  /** Of a table of its own: what its ids are. Left out by an older host: texts. */
  idType?: IdType
}
