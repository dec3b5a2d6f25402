// What an error of PostgreSQL means for the request, by SQLSTATE: what is known, what is tried again, what is answered.
import pg from 'pg'
import { Fault } from '../kit/fault.ts'
import { BAD_REQUEST_TEXT, badRequest, outcomeUnknown, timedOut, unavailable } from './app-faults.ts'

/**
 * `again`: the transaction was rolled back, the same may work now. `replan`: our picture of the table is old.
 * `reconnect`: the connection broke; reads may go over a new one, a write must not.
 */
export type Retry = 'never' | 'again' | 'replan' | 'reconnect'
export type SqlRule = {
  retry: Retry
  isEvicted: boolean
  answer: 'bad_request' | 'duplicate' | 'too_large' | 'timed_out' | 'unavailable' | 'lost' | 'failed'
}

const LOST: SqlRule = { retry: 'reconnect', isEvicted: true, answer: 'lost' }
const REFUSED: SqlRule = { retry: 'never', isEvicted: true, answer: 'unavailable' }
const BUSY: SqlRule = { retry: 'never', isEvicted: false, answer: 'unavailable' }
const AGAIN: SqlRule = { retry: 'again', isEvicted: false, answer: 'unavailable' }
const TOO_LARGE: SqlRule = { retry: 'never', isEvicted: false, answer: 'too_large' }
const BAD: SqlRule = { retry: 'never', isEvicted: false, answer: 'bad_request' }
const FAILED: SqlRule = { retry: 'never', isEvicted: false, answer: 'failed' }

/** Whole codes first, then classes (the first two characters). */
const RULES: Record<string, SqlRule> = {
  // A demoted primary keeps its connections open and "healthy": they must go.
  '25006': REFUSED,
  '57P01': LOST,
  '57P02': LOST,
  '57P03': REFUSED,
  '28000': REFUSED,
  '28P01': REFUSED,
  '3D000': REFUSED,
  '08': LOST,
  '40001': AGAIN,
  '40P01': AGAIN,
  // "cached plan must not change result type"
  '0A000': { retry: 'replan', isEvicted: false, answer: 'failed' },
  '26000': { retry: 'replan', isEvicted: true, answer: 'failed' },
  '42703': { retry: 'replan', isEvicted: false, answer: 'bad_request' },
  '42804': { retry: 'replan', isEvicted: false, answer: 'bad_request' },
  '42P01': { retry: 'replan', isEvicted: false, answer: 'unavailable' },
  '23505': { retry: 'never', isEvicted: false, answer: 'duplicate' },
  '22001': TOO_LARGE,
  '54000': TOO_LARGE,
  '54011': TOO_LARGE,
  '22': BAD,
  '23': BAD,
  '53': BUSY,
  '55P03': BUSY,
  '57014': { retry: 'never', isEvicted: false, answer: 'timed_out' },
}

/** True when PostgreSQL answered, and did not let us in: a wrong password, or a role that may not log in. */
export function isLoginRefusal(error: unknown): boolean {
  return error instanceof pg.DatabaseError && (error.code === '28P01' || error.code === '28000')
}

/** True when PostgreSQL has no function of that name. */
export function isUnknownFunction(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === '42883'
}

/** The rule for anything that a sent statement threw. */
export function ruleOf(error: unknown): SqlRule {
  if (error instanceof pg.DatabaseError) {
    const code = error.code ?? ''
    return RULES[code] ?? RULES[code.slice(0, 2)] ?? FAILED
  }
  // `pg` reports a broken connection as a plain Error; a TypeError is a bug of ours.
  return error instanceof Error && !(error instanceof TypeError) && !(error instanceof Fault) ? LOST : FAILED
}

/** What the app is told, once nothing is tried again. A bug is passed on as it is. */
export function faultOfSql(error: unknown, isWrite: boolean): unknown {
  if (error instanceof Fault) return error
  switch (ruleOf(error).answer) {
    case 'bad_request':
      return badRequest(BAD_REQUEST_TEXT)
    case 'duplicate':
      return new Fault('app.conflict', 409, 'Could not insert the item because an item with that id already exists.')
    case 'too_large':
      return badRequest(
        'Could not save item because it exceeds a maximum column size restriction. ' +
          'Note that indexed columns are restricted to 450 characters.',
      )
    case 'timed_out':
      return timedOut(error)
    case 'unavailable':
      return unavailable('The database is not available.', error)
    case 'lost':
      return isWrite
        ? outcomeUnknown('The connection to the database was lost.', error)
        : unavailable('The connection to the database was lost.', error)
    case 'failed':
      return error
  }
}
