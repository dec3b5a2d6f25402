// Who of a server's members may be released or promoted, and what becomes of the others. Pure: the rows that these are
// decided from are locked by who asks, so that the decisions exclude each other.
import type { Standing } from '../contract/control-schema.ts'
import type { ReleaseRequest } from '../contract/facts.ts'
import { Fault } from '../kit/fault.ts'
import type { StandingChange } from './standing.ts'

/** A member as far as these decisions go. */
export type MemberFacts = {
  machine: string
  role: 'primary' | 'standby' | 'quarantined'
  standing: Standing | null
  lease_term: number
}

/** A member's next standing and term; null when it is not what the change begins from any more. */
export function decideMove(
  member: MemberFacts | undefined,
  change: StandingChange,
): (Pick<MemberFacts, 'lease_term'> & { standing: Standing }) | null {
  if (member?.role !== 'standby' || member.standing !== change.from) return null
  return { standing: change.to, lease_term: member.lease_term + (change.isNewTerm ? 1 : 0) }
}

export type ReleaseDecision = { kind: 'release'; machine: string } | { kind: 'refuse'; reason: string }

/** Whether the standby may be recorded as released, as `machine` asks: the primary's, or the standby's own. */
export function decideRelease(
  server: { epoch: number | null; isBlocking: boolean; members: MemberFacts[] },
  machine: string,
  request: ReleaseRequest,
): ReleaseDecision {
  if (server.epoch !== request.epoch) {
    return { kind: 'refuse', reason: `${request.server} is under epoch ${server.epoch ?? 'none'}` }
  }
  const asker = server.members.find((member) => member.machine === machine)
  if (asker?.role !== 'primary' && asker?.role !== 'standby') {
    return { kind: 'refuse', reason: `${machine} is no member of ${request.server}` }
  }
  const standby = server.members.find((member) => member.role === 'standby' && member.lease_term === request.term)
  // Its own host asks before it builds it anew: what it has is behind anyway, and its primary stands still until then.
  if (server.isBlocking && asker.role === 'primary' && standby?.standing === 'ready') {
    return { kind: 'refuse', reason: `${request.server} waits for its standby rather than go on without it` }
  }
  if (!standby) return { kind: 'refuse', reason: `the lease has another term than ${request.term}` }
  return { kind: 'release', machine: standby.machine }
}

/**
 * `done`: another recovery was faster, and it is the primary already. `promote`: the old primary goes into quarantine,
 * and other standbys, which follow a timeline that is over, are given up. Faults with `recovery.standby_not_ready`.
 */
export function decidePromotion(
  server: string,
  members: MemberFacts[],
  machine: string,
): { kind: 'done' } | { kind: 'promote'; quarantined: string[]; removed: string[] } {
  const target = members.find((member) => member.machine === machine)
  if (target?.role === 'primary') return { kind: 'done' }
  if (target?.role !== 'standby' || target.standing !== 'ready') {
    throw new Fault('recovery.standby_not_ready', 409, `the standby of ${server} on ${machine} cannot be promoted`, {
      hint: `It is ${target?.standing ?? 'gone'}; see: mainstay sql server show ${server}`,
    })
  }
  const others = members.filter((member) => member.machine !== machine)
  const machinesOf = (role: MemberFacts['role']) =>
    others.filter((member) => member.role === role).map((member) => member.machine)
  return { kind: 'promote', quarantined: machinesOf('primary'), removed: machinesOf('standby') }
}

/**
 * A planned move: `done` when it was decided already. `swap`: with the term that the old primary has as a standby, which is
 * above every term before. Faults with `switchover.standby_not_ready` unless the standby may be promoted now.
 */
export function decideSwap(
  server: string,
  members: MemberFacts[],
  move: { from: string; to: string },
): { kind: 'done' } | { kind: 'swap'; term: number } {
  const from = members.find((member) => member.machine === move.from)
  const to = members.find((member) => member.machine === move.to)
  if (to?.role === 'primary' && from?.role === 'standby') return { kind: 'done' }
  if (from?.role !== 'primary' || to?.role !== 'standby' || to.standing !== 'ready') {
    throw new Fault(
      'switchover.standby_not_ready',
      409,
      `the standby of ${server} on ${move.to} cannot take over now`,
      {
        hint: `It is ${to?.standing ?? 'gone'}; see: mainstay sql server show ${server}`,
      },
    )
  }
  return { kind: 'swap', term: Math.max(from.lease_term, to.lease_term) + 1 }
}
