// What a request is answered with, before it is on the wire.

/** A header of several values is sent several times. */
export type Answer = { status: number; headers: Record<string, string | string[]>; body: string | Buffer }

/** True for a status that an answer may have. */
export function isStatus(status: unknown): status is number {
  return typeof status === 'number' && Number.isInteger(status) && status >= 200 && status <= 599
}

/** True for one whose answer has no body. */
export function isBodiless(status: number): boolean {
  return status === 204 || status === 304
}

/** An answer whose body is JSON text already: rows come from PostgreSQL as text and stay text. */
export function jsonAnswer(status: number, body: string, headers: Record<string, string> = {}): Answer {
  return { status, headers, body }
}

/** An answer of plain text. */
export function textAnswer(status: number, body: string): Answer {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body }
}

/** An answer without a body. */
export function emptyAnswer(status: number, headers: Record<string, string> = {}): Answer {
  return { status, headers, body: '' }
}

/** The original's 405: an `Allow` header and nothing else. */
export function methodNotAllowed(allow: string): Answer {
  return emptyAnswer(405, { allow })
}
