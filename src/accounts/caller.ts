// Who asks something of control, and what a role may.
import type { Role } from '../contract/api.ts'
import { Fault } from '../kit/fault.ts'

/** In whose name something is done. */
export type Caller = { principal: string; subscriptionId: string }
/** Who has shown who they are, with what they may do. */
export type KnownCaller = Caller & { role: Role }

export const DEFAULT_SUBSCRIPTION = 'default'

/** In whose name control does by itself what is due. */
export const SCHEDULE: Caller = { subscriptionId: DEFAULT_SUBSCRIPTION, principal: 'schedule' }

const RANKS: Record<Role, number> = { reader: 0, operator: 1, owner: 2 }

/** Faults with `account.role` when the caller's role may less than the one that is needed. */
export function requireRole({ principal, role }: KnownCaller, needed: Role): void {
  if (RANKS[role] >= RANKS[needed]) return
  throw new Fault('account.role', 403, `this takes the role ${needed}, and '${principal}' is ${role}`, {
    hint: 'An owner can change that: mainstay account role NAME ROLE',
  })
}
