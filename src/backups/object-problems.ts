// Which object of a vault an error is about: another backup may not need it.
import { Fault, type FaultBody, faultBody, faultFromBody, messageOf } from '../kit/fault.ts'

// Which object a fault is about, for those who go around it; messages are for people.
const lostKeys = new WeakMap<Fault, string>()

/** The fault of an object that is there and not as it should be. */
export function damaged(key: string, reason: string, cause?: unknown): Fault {
  const fault = new Fault('vault.damaged', 500, `${key} is damaged: ${reason}`, {
    hint: 'Restore from an older backup, and take a new one.',
    cause,
  })
  lostKeys.set(fault, key)
  return fault
}

/** The fault of an object that should be there. */
export function missing(key: string): Fault {
  const fault = new Fault('vault.missing', 500, `${key} is not in the vault`, {
    hint: 'Restore from a backup that does not need it, and take a new one.',
  })
  lostKeys.set(fault, key)
  return fault
}

/** An object that is not as it should be, and what is wrong with it. */
export type ObjectProblem = { key: string; code: string; message: string }

/**
 * What a fault says of one object, which another backup may not need; null for any other error, such as a wrong key or
 * a vault that is away.
 */
export function problemOf(error: unknown): ObjectProblem | null {
  if (!(error instanceof Fault)) return null
  const key = lostKeys.get(error)
  return key === undefined ? null : { key, code: error.code, message: error.message }
}

/** An error as another thread is told of it. `key`: the object that it is about. */
export type ToldError = { message: string; fault: { body: FaultBody; status: number; key: string | null } | null }

/** What is told of an error to another thread. */
export function tellError(error: unknown): ToldError {
  const message = messageOf(error)
  if (!(error instanceof Fault)) return { message, fault: null }
  return { message, fault: { body: faultBody(error), status: error.status, key: lostKeys.get(error) ?? null } }
}

/** The error that another thread told of. */
export function errorAgain({ message, fault: told }: ToldError): Error {
  if (told === null) return new Error(message)
  const fault = faultFromBody(told.body, told.status)
  if (told.key !== null) lostKeys.set(fault, told.key)
  return fault
}
