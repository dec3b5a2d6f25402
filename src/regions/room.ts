// A region's room now: what was set for it and what those of its hosts that can be reached offer.
import type { Capacity, RegionRoom } from './ledger.ts'
import { offerOf } from './offer.ts'
import { type Machine, type Region, setCapacityOf } from './regions.ts'

/** How hosts stand: the field, or the board of newest facts. */
export type HostsNow = { isReachable: (machine: string) => boolean; offerOf: (machine: string) => Partial<Capacity> }

/** What a region can hold now. */
export function roomOf(region: Region, machines: Machine[], now: HostsNow): RegionRoom {
  const hosts = machines
    // One that was revoked comes back under no name: its share is the others'.
    .filter(({ role, domain, revoked_at }) => role === 'host' && domain === region.name && revoked_at === null)
    .map(({ name }) => ({ machine: name, isReporting: now.isReachable(name), offer: now.offerOf(name) }))
  return { name: region.name, slug: region.slug, offer: offerOf(setCapacityOf(region), hosts) }
}
