// The refusals of the app protocol, and how they look on the wire: `{"code":N,"error":"Error: …"}`.
import { Fault } from '../kit/fault.ts'
import { RETRY_AFTER_SECONDS } from '../kit/limits.ts'
import { type Answer, jsonAnswer, textAnswer } from './answer.ts'
import type { ClientGeneration } from './client-generation.ts'

export const BAD_REQUEST_TEXT = 'Bad request.'
export const TIMED_OUT_TEXT = 'The request has timed out.'
const MUST_LOG_IN_TEXT = 'You must be logged in to use this application'
const OUTCOME_UNKNOWN_TEXT = 'The outcome of the write is unknown: it may or may not have been done.'

export function badRequest(message: string): Fault {
  return new Fault('app.bad_request', 400, message)
}

export function invalidQuery(what: string): Fault {
  return new Fault('app.bad_query', 400, `Invalid query specified. Error: ${what}`)
}

export function unauthorized(message = 'Unauthorized'): Fault {
  return new Fault('app.unauthorized', 401, message)
}

export function notFound(message = 'Not Found'): Fault {
  return new Fault('app.not_found', 404, message)
}

export function itemNotFound(id: string, clientGeneration: ClientGeneration = 1): Fault {
  return notFound(clientGeneration === 1 ? `An item with id '${id}' does not exist.` : 'The item does not exist')
}

/** Nothing was done; the client may try again later. */
export function unavailable(message: string, cause?: unknown): Fault {
  return new Fault('app.unavailable', 503, message, { cause })
}

/** A write may have been done: the one thing a client must not take for a refusal. */
export function outcomeUnknown(reason: string, cause?: unknown): Fault {
  return new Fault('app.outcome_unknown', 503, `${reason} ${OUTCOME_UNKNOWN_TEXT}`, { cause })
}

export function timedOut(cause?: unknown): Fault {
  return new Fault('app.timed_out', 503, TIMED_OUT_TEXT, { cause })
}

/** A script's failure is its owner's business: it stands in the log, and an app reads what any 500 says. */
export function scriptFailed(cause: unknown): Fault {
  return new Fault('app.script_failed', 500, 'Internal Server Error', { cause })
}

/** Renders what was thrown. Anything but a Fault is a bug, whose details are nobody's business outside. */
export function answerOfError(error: unknown, clientGeneration: ClientGeneration = 1): Answer {
  const fault = error instanceof Fault ? error : new Fault('app.failed', 500, 'Internal Server Error')
  const { status, message, code } = fault
  if (clientGeneration === 2 && code === 'app.unauthorized') return textAnswer(status, MUST_LOG_IN_TEXT)
  const headers: Record<string, string> = status === 503 ? { 'retry-after': String(RETRY_AFTER_SECONDS) } : {}
  const word = code === 'app.syntax' ? 'SyntaxError' : 'Error'
  const body = clientGeneration === 2 ? { error: message } : { code: status, error: `${word}: ${message}` }
  return jsonAnswer(status, JSON.stringify(body), headers)
}
