// What a region can hold now: what was set for it, as far as those of its hosts that report offer it. Pure.
import type { Capacity } from './ledger.ts'

/** What a host offers that says nothing, in a region for which nothing was set. */
export const HOST_CAPACITY: Capacity = { reservedUnits: 4, sharedSlots: 20 }

/** A host that has joined. `offer`: what it said it can hold. */
export type OfferingHost = { machine: string; isReporting: boolean; offer: Partial<Capacity> }

/** `set`: the most, as set by a person, null where nothing was; `total` and `hosts` are what can be used now. */
export type RegionOffer = { set: Capacity | null; total: Capacity; hosts: Map<string, Capacity> }

/**
 * Computes a region's offer. A host that says nothing offers its even share of what was set, or else the usual. One that
 * does not report offers nothing, and its share is not given to the others.
 */
export function offerOf(set: Capacity | null, hosts: OfferingHost[]): RegionOffer {
  const sorted = [...hosts].sort((left, right) => left.machine.localeCompare(right.machine))
  const offered = new Map<string, Capacity>()
  const total = { reservedUnits: 0, sharedSlots: 0 }
  for (const [index, host] of sorted.entries()) {
    if (!host.isReporting) continue
    const usual = set
      ? {
          reservedUnits: shareOf(set.reservedUnits, sorted.length, index),
          sharedSlots: shareOf(set.sharedSlots, sorted.length, index),
        }
      : HOST_CAPACITY
    const one = { ...usual, ...host.offer }
    offered.set(host.machine, one)
    total.reservedUnits += one.reservedUnits
    total.sharedSlots += one.sharedSlots
  }
  return {
    set,
    total: {
      reservedUnits: Math.min(set?.reservedUnits ?? total.reservedUnits, total.reservedUnits),
      sharedSlots: Math.min(set?.sharedSlots ?? total.sharedSlots, total.sharedSlots),
    },
    hosts: offered,
  }
}

// 5 over 2 hosts is 3 and 2: the first ones take what does not divide.
function shareOf(whole: number, hosts: number, index: number): number {
  return Math.floor(whole / hosts) + (index < whole % hosts ? 1 : 0)
}
