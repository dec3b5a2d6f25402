// What comes along with an order from control: the operations that it is for, for the log.
import type { IncomingHttpHeaders } from 'node:http'
import { OPERATION_HEADER } from '../contract/protocols.ts'

// Ids as control makes them; a few with commas between.
const OPERATIONS = /^[0-9a-f]{1,32}(,[0-9a-f]{1,32}){0,15}$/

/** A log field that names the operations; none when the order is for none, or says nonsense. */
export function operationsOf(headers: IncomingHttpHeaders): { operation?: string } {
  const value = headers[OPERATION_HEADER]
  return typeof value === 'string' && OPERATIONS.test(value) ? { operation: value } : {}
}
