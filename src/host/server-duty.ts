// What a host must make of a server, from what its data folder is and what control wants. Pure.
import type { ServerAssignment } from '../contract/assignment.ts'

/** What the data folder here is, whatever control thinks: written before it becomes true of the outside world. */
export type Kept = { role: 'primary' | 'standby' | 'quarantined'; epoch: number }

/**
 * `refuse`: the order is older than the data. `quarantine`: kept whole, served to nobody. `follow`: a standby.
 * `promote`: a standby that becomes the primary. `lead`: the primary.
 */
export type Duty = 'refuse' | 'quarantine' | 'follow' | 'promote' | 'lead'

export function decideDuty(kept: Kept | null, wanted: Pick<ServerAssignment, 'role' | 'epoch'>): Duty {
  if (kept && wanted.epoch < kept.epoch) return 'refuse'
  // The old primary never rejoins by itself: a later epoch has been given to another.
  const isOldPrimary = kept?.role === 'primary' && (wanted.role !== 'primary' || wanted.epoch > kept.epoch)
  if (kept?.role === 'quarantined' || wanted.role === 'quarantined' || isOldPrimary) return 'quarantine'
  if (wanted.role === 'standby') return 'follow'
  return kept?.role === 'standby' ? 'promote' : 'lead'
}
