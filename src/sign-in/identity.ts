// Who somebody is to a provider, and what keeps them out.
import { Fault } from '../kit/fault.ts'

/** `id` is unique at its provider and stays. `credentials`: what a script finds of them under the provider's name. */
export type Identity = { id: string; credentials: Record<string, unknown> }

/** The provider, or a rule of ours, does not let them in. The reason is theirs to read. */
export function refused(message: string, cause?: unknown): Fault {
  return new Fault('auth.refused', 401, message, { cause })
}

/** The provider can not be asked now: trying again later may help. Why that is, is the service's to know. */
export function away(provider: string, cause: unknown): Fault {
  if (cause instanceof Fault && cause.code.startsWith('auth.')) return cause
  return new Fault('auth.unavailable', 503, `${provider} can not be asked now; try again later.`, { cause })
}

/** The beginning of a text that somebody else wrote, whole characters only. */
export function shortened(text: string, length: number): string {
  return text.slice(0, length).toWellFormed()
}
