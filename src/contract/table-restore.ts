// A table as it was, brought back into a service: asked of the host of its server's primary.
import type { BackupTarget } from './backup.ts'

/** What a person wants back. `as`: into a table of its own; `ids`: only these rows; `isExact`: rows inserted since go. */
export type TableWish = { table: string; as: string | null; ids: string[] | null; isExact: boolean }

/** `from`: whose backups. `key` opens them (base64), `superuserPassword` the server that they are of. */
export type TableRestoreRequest = TableWish & {
  job: string
  key: string
  from: string
  superuserPassword: string
  target: BackupTarget
  serviceId: string
  schema: string
}

/** `found`: rows that it had then, of those that were asked for. `leftOut`: columns that are not there any more. */
export type TableRestored = {
  restoredTo: string
  found: number
  inserted: number
  updated: number
  deleted: number
  leftOut: string[]
}
