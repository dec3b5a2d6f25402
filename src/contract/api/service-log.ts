// The log of a service in the management API.
import { type Static, Type } from 'typebox'
import { LOG_TYPES } from '../service-log.ts'
import { Instant, Nullable } from './parts.ts'

export const LogEntryView = Type.Object({
  id: Type.String({ description: 'grows with each line' }),
  timeCreated: Instant,
  type: Type.Enum([...LOG_TYPES]),
  source: Nullable(Type.String({ description: 'the script, /table/TodoItem.insert.js' })),
  message: Type.String(),
  requestId: Nullable(Type.String({ description: 'x-request-id of the request that it was said for' })),
})
export type LogEntryView = Static<typeof LogEntryView>

/** `continuationToken`: for older lines; null where there are none. */
export const LogView = Type.Object({
  machine: Type.String(),
  results: Type.Array(LogEntryView),
  continuationToken: Nullable(Type.String()),
})
export type LogView = Static<typeof LogView>
