// The id of a request: what its sender called it, or a new one. It is in the answer and in every log line about it.
import { randomUUID } from 'node:crypto'

/** Between app and gateway, gateway and runtime, and on the management API. */
export const REQUEST_ID_HEADER = 'x-request-id'

// It stands in log lines and headers: nothing that could end one, and short.
const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/

/** The id that the header's value says, or a new one when it says none that may be kept. */
export function requestIdOf(header: string | string[] | undefined): string {
  return typeof header === 'string' && REQUEST_ID.test(header) ? header : randomUUID()
}
