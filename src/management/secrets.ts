// Secrets in answers: whoever has full rights is shown them; others see a placeholder, which, sent back, means
// "keep".
import type { KnownCaller } from '../accounts/caller.ts'

/** Stands for a secret. The original's tools read settings, change one, and send all of them back. */
export const SECRET_PLACEHOLDER = '(secret: kept as it is)'

/** True for who is shown secrets. */
export function maySeeSecrets({ role }: KnownCaller): boolean {
  return role === 'owner'
}

/** A secret as this caller is shown it; what is not set stays that. */
export function shownSecret<T extends string | null | undefined>(caller: KnownCaller, secret: T): T | string {
  return !secret || maySeeSecrets(caller) ? secret : SECRET_PLACEHOLDER
}

/** The secret that a caller means by what was sent: the placeholder is the one that is there. */
export function meantSecret<T>(sent: T, current: T): T {
  return sent === SECRET_PLACEHOLDER ? current : sent
}
