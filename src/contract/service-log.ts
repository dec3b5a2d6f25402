// What scripts of a service said, and what is said about them: from its runtime to its host, and to whoever reads it.

export const LOG_TYPES = ['information', 'warning', 'error'] as const
export type LogType = (typeof LOG_TYPES)[number]

/** One line. `source`: the script that it is from, `/table/TodoItem.insert.js`; null where that is not known. */
export type LogLine = {
  /** Milliseconds since 1970. */
  at: number
  type: LogType
  source: string | null
  message: string
  /** Of the request that it was said for. */
  requestId: string | null
}

/** Lines of some services, by the services' ids. */
export type ServiceLines = { service: string; lines: LogLine[] }[]

/** A line as it lies in the log. `id` grows with each; it begins with the time. */
export type LogEntry = LogLine & { id: string }

/**
 * Which lines are wanted. With `after` those that came later, the oldest first; otherwise the newest first, from `before`
 * on. `search`: anywhere in the message, in any case; `source`: the whole of it, in any case.
 */
export type LogQuery = {
  type?: LogType
  source?: string
  search?: string
  requestId?: string
  before?: string
  after?: string
  top: number
}

/** `more`: where to go on for older ones; null: there are none. */
export type LogPage = { entries: LogEntry[]; more: string | null }
