// What can be wrong with the control database, told apart: for a person who mends it, and for us who try elsewhere.

import type { DatabaseHost } from '../contract/external-server.ts'
import { type HostFinding, POSTGRES_VERSION_MIN, sentenceOf } from '../databases/database-host.ts'
import { type DatabaseTarget, placeOf } from '../databases/database-url.ts'
import { sqlCodeOf } from '../databases/lost-connection.ts'
import { Fault, messageOf } from '../kit/fault.ts'

// Refused logins and what is not there at all: trying the next host is right, saying "unreachable" would be wrong.
const PASSWORD_CODES = new Set(['28P01', '28000'])
const NO_DATABASE = '3D000'

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
  const errors = found.flatMap(({ finding }) => (finding.kind === 'failed' ? [sqlCodeOf(finding.error)] : []))
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
