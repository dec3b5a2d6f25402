// Whether a new password can be sent: what control will say anyway is said while it is typed.
import { PASSWORD_LENGTH_MIN } from '../../contract/portal-page.ts'

export type PasswordPair = { wanted: string; again: string }

export function isPasswordFit({ wanted, again }: PasswordPair): boolean {
  return wanted.length >= PASSWORD_LENGTH_MIN && wanted === again
}

/** What is wrong with what was typed a second time; null while nothing is. */
export function againProblem({ wanted, again }: PasswordPair): string | null {
  return again === '' || wanted.startsWith(again) ? null : 'This is not the same password.'
}
