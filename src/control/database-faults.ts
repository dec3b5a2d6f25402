// What can be wrong with the control database, told apart: for a person who mends it, and for us who try elsewhere.

import type { DatabaseHost } from '../contract/external-server.ts'
import { type HostFinding, POSTGRES_VERSION_MIN, sentenceOf } from '../databases/database-host.ts'
import { type DatabaseTarget, placeOf } from '../databases/database-url.ts'
import { Fault, messageOf } from '../kit/fault.ts'

// Refused logins and what is not there at all: trying the next host is right, saying "unreachable" would be wrong.
const PASSWORD_CODES = new Set(['28P01', '28000'])
const NO_DATABASE = '3D000'

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
  const code = codeOf(error)
  if (ELSEWHERE_CODES.has(code) || SOCKET_CODES.has(code) || code.startsWith('08')) return true
  return error instanceof Error && BROKEN_MESSAGE.test(error.message)
}

/** The fault of a statement whose connection broke: whether it took effect is not known. */
export function lostFault(error: unknown): Fault {
  return new Fault('control.database_lost', 503, `the connection to the control database broke: ${messageOf(error)}`, {
    hint: 'Control looks for a writable one by itself; try again in a few seconds.',
    cause: error,
  })
}

/** The fault when no host can be used, from what each of them answered. */
export function noneFault(target: DatabaseTarget, found: { at: DatabaseHost; finding: HostFinding }[]): Fault {
  const places = found.map(({ at, finding }) => `${placeOf(at)} ${sentenceOf(finding)}`).join('; ')
  const errors = found.flatMap(({ finding }) => (finding.kind === 'failed' ? [codeOf(finding.error)] : []))
  if (errors.some((code) => PASSWORD_CODES.has(code))) {
    return new Fault(
      'control.database_refused',
      500,
      `the control database does not let '${target.user}' in: ${places}`,
      {
        hint: 'Check user and password in MAINSTAY_CONTROL_DB (a % or @ in them is written %25 or %40), and pg_hba.conf.',
      },
    )
  }
  if (errors.includes(NO_DATABASE)) {
    return new Fault('control.database_missing', 500, `there is no database '${target.database}': ${places}`, {
      hint: `Make it there, owned by the user of the URL: create database "${target.database}".`,
    })
  }
  if (found.some(({ finding }) => finding.kind === 'too_old')) {
    return new Fault('control.database_too_old', 500, `the control database is too old: ${places}`, {
      hint: `PostgreSQL ${POSTGRES_VERSION_MIN / 10_000} or newer is needed.`,
    })
  }
  if (found.some(({ finding }) => finding.kind === 'read_only')) {
    return new Fault('control.database_read_only', 503, `no host of the control database takes writes: ${places}`, {
      hint: 'Promote its standby, or name every host in the URL: postgres://…@HOST1:5432,HOST2:5432/…',
    })
  }
  return new Fault('control.database_unreachable', 503, `the control database cannot be reached: ${places}`, {
    hint: target.advice ?? 'Check that it runs and that the hosts and ports in MAINSTAY_CONTROL_DB are right.',
  })
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}
