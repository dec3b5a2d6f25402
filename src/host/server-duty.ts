// What a host must make of a server, from what its data folder is and what control wants. Pure.
import type { ServerAssignment } from '../contract/assignment.ts'

/** What the data folder here is, whatever control thinks: written before it becomes true of the outside world. */
export type Kept = { role: 'primary' | 'standby' | 'quarantined'; epoch: number }

/**
 * `refuse`: the order is older than the data. `quarantine`: kept whole, served to nobody. `follow`: a standby.
 * `rejoin`: a primary that was stopped in a planned move becomes a standby. `promote`: a standby that becomes the
 * primary. `lead`: the primary. `stop`: the primary, stopped cleanly.
 */
export type Duty = 'refuse' | 'quarantine' | 'follow' | 'rejoin' | 'promote' | 'lead' | 'stop'

type Wanted = Pick<ServerAssignment, 'role' | 'epoch' | 'isStopping' | 'rejoin' | 'replaces'>

export function decideDuty(kept: Kept | null, wanted: Wanted): Duty {
  if (kept && wanted.epoch < kept.epoch) return 'refuse'
  if (kept?.role === 'primary' && wanted.role === 'standby' && wanted.rejoin?.epoch === kept.epoch) return 'rejoin'
  const mayReplace = kept?.role === 'quarantined' && kept.epoch <= (wanted.replaces?.epoch ?? -1)
  if (mayReplace && wanted.role === 'standby') return 'follow'
  // The old primary never rejoins by itself: a later epoch has been given to another.
  const isOldPrimary = kept?.role === 'primary' && (wanted.role !== 'primary' || wanted.epoch > kept.epoch)
  if (kept?.role === 'quarantined' || wanted.role === 'quarantined' || isOldPrimary) return 'quarantine'
  if (wanted.role === 'standby') return 'follow'
  if (kept?.role === 'standby') return 'promote'
  return wanted.isStopping ? 'stop' : 'lead'
}
