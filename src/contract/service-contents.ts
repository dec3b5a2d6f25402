// What a server holds of one mobile service, and orders about it: asked of the host of its primary.
import type { MachineAddress } from './assignment.ts'

/**
 * A table as it lies there; `newestMs`: the newest `updatedAt`, in milliseconds since 1970; null when it has no rows.
 * `lastId`: the last integer that was given as an id, as digits; left out where none was, and by an older host.
 */
export type TableContents = { name: string; rows: number; newestMs: number | null; lastId?: string }

/**
 * `schema`: the one that is the service's own, null when there is none. `foreignOwner`: whose schema of the service's
 * name it is that lies there instead.
 */
export type ServiceContents = { schema: string | null; foreignOwner: string | null; tables: TableContents[] }

/** `isNewestOnly`: rows are not counted, which takes its time in a large table; every count is 0. */
export type ContentsRequest = { serviceId: string; schema: string; isNewestOnly?: boolean }

/**
 * New stamps are to be above that moment. Answered with the first that may be given now. `identities`: new integer ids of
 * a schema are to be above those of these tables; `above` null: nobody knows what was given.
 */
export type RaiseStampsRequest = {
  aboveMs: number
  identities?: { schema: string; above: Record<string, string> | null }
}
export type RaiseStampsAnswer = { stampMs: number }

/** Rows that were stamped before that moment are stamped anew, as many as fit into one call. */
export type RestampRequest = { schema: string; beforeMs: number }
export type RestampAnswer = { rows: number; isDone: boolean }

/** How long a question and its answer take from this host to another machine. */
export type RoundTripRequest = { to: MachineAddress }
export type RoundTripAnswer = { ms: number }

/** The newest `updatedAt` of any row, in milliseconds since 1970; null when there are none. */
export function newestOf({ tables }: ServiceContents): number | null {
  const stamps = tables.map(({ newestMs }) => newestMs).filter((stamp) => stamp !== null)
  return stamps.length === 0 ? null : Math.max(...stamps)
}
