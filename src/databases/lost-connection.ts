// Whether an error of `pg` says that the server is not there, or not to be written to, rather than that it refused.

// Read-only, shut down, terminated, too many connections; class 08 is a broken connection.
const ELSEWHERE_CODES = new Set(['25006', '57P01', '57P02', '57P03', '53300', '25P03', '57P05'])
const SOCKET_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOENT',
  'EHOSTUNREACH',
  'ENETUNREACH',
])
const BROKEN_MESSAGE =
  /^(Connection terminated|Query read timeout|timeout exceeded|Client has encountered|Client was closed)/

/** True when a connection is not worth keeping: its host may have gone, or is not the writable one any more. */
export function isElsewhereNow(error: unknown): boolean {
  const code = sqlCodeOf(error)
  if (ELSEWHERE_CODES.has(code) || SOCKET_CODES.has(code) || code.startsWith('08')) return true
  return error instanceof Error && BROKEN_MESSAGE.test(error.message)
}

/** The SQLSTATE of an error, or the code of a socket's; empty where there is none. */
export function sqlCodeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}
