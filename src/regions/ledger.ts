// The capacity ledger: what each service takes of its region and host. Derived from the services' rows: it cannot drift.
import type { Mode } from '../contract/api.ts'
import { Fault } from '../kit/fault.ts'
import type { RegionOffer } from './offer.ts'

export type Capacity = { reservedUnits: number; sharedSlots: number }
export type Size = { mode: Mode; units: number }
export type Place = { region: string; machine: string }

/** What one service takes of one host. */
export type Holding = Size & Place & { service: string }

/** A living service as the ledger sees it. `also`: the second shape that it has while it is scaled. */
export type Holder = Size &
  Place & {
    id: string
    also: Size | null
    /** While it is being recovered, or moved as planned. */
    move: Move | null
  }

/**
 * From where a service moves, and to where: onto the capacity of a secondary, or where none is named onto what is free.
 * `returning`: what the secondary needs beyond what the service leaves, when it goes the other way.
 */
export type Move = { secondaryId: string | null; from: Place; to: Place; returning?: Size | null }

/**
 * What every service takes, where. A service that moves takes its old place until the move is over, since it may still
 * go back. In its new place it stands on the capacity of the secondary that its operation claimed, until that is given
 * up; except where it is of the other mode: then it takes its own there from the start.
 */
export function holdingsOf(holders: Holder[]): Holding[] {
  return holders.flatMap((holder) => {
    const take = (size: Size, place: Place): Holding => ({
      service: holder.id,
      mode: size.mode,
      units: size.units,
      region: place.region,
      machine: place.machine,
    })
    const { move } = holder
    const secondary = move && holders.find((other) => other.id === move.secondaryId)
    const isOver = move?.secondaryId != null && !secondary
    if (!move || isOver) return [take(holder, holder), ...(holder.also ? [take(holder.also, holder)] : [])]
    const standsOnClaim = secondary?.mode === holder.mode
    return [
      take(holder, move.from),
      ...(move.returning ? [take(move.returning, move.from)] : []),
      ...(standsOnClaim ? [] : [take(holder, move.to)]),
    ]
  })
}

/** What the services of a region take together, or those on one host of it. */
export function usageOf(place: { region: string; machine?: string }, holdings: Holding[]): Capacity {
  const usage = { reservedUnits: 0, sharedSlots: 0 }
  for (const holding of holdings) {
    if (holding.region !== place.region) continue
    if (place.machine !== undefined && holding.machine !== place.machine) continue
    if (holding.mode === 'reserved') usage.reservedUnits += holding.units
    else usage.sharedSlots += 1
  }
  return usage
}

/** What a size takes of a capacity. */
export function takenBy(size: Size): Capacity {
  return size.mode === 'reserved' ? { reservedUnits: size.units, sharedSlots: 0 } : { reservedUnits: 0, sharedSlots: 1 }
}

/** A region with what it can hold now, as a whole and by host. */
export type RegionRoom = { name: string; slug: string; offer: RegionOffer }

/**
 * The host that takes a service of this size: the least loaded one that has room. Faults with `capacity.exceeded` when
 * the region has no room, or no single host of it. `only` names the host where it must be.
 */
export function findRoom(region: RegionRoom, holdings: Holding[], wanted: Size, only?: string): string {
  requireRegionRoom(region, holdings, wanted)
  const needed = takenBy(wanted)
  const hosts = [...region.offer.hosts]
    .filter(([machine]) => only === undefined || machine === only)
    .map(([machine, offer]) => {
      const usage = usageOf({ region: region.slug, machine }, holdings)
      const free = {
        reservedUnits: offer.reservedUnits - usage.reservedUnits,
        sharedSlots: offer.sharedSlots - usage.sharedSlots,
      }
      return { machine, free, load: loadOf(usage, offer) }
    })
  const fitting = hosts
    .filter(({ free }) => free.reservedUnits >= needed.reservedUnits && free.sharedSlots >= needed.sharedSlots)
    .sort((left, right) => left.load - right.load || left.machine.localeCompare(right.machine))
  const [best] = fitting
  if (best) return best.machine
  const key = wanted.mode === 'reserved' ? 'reservedUnits' : 'sharedSlots'
  const most = Math.max(0, ...hosts.map(({ free }) => free[key]))
  const which = only === undefined ? `no single host of ${region.name} has` : `${only} does not have`
  const message = `${which} ${words(key, needed[key])} free; the most is ${most}`
  throw new Fault('capacity.exceeded', 409, message, {
    hint: 'Choose fewer units, add a host to the region, or choose another region.',
  })
}

/** Faults with `capacity.in_use` when a region's capacity would fall below what is promised already. */
export function requireNotBelowUse(
  region: { name: string; slug: string },
  holdings: Holding[],
  wanted: { reservedUnits?: number | undefined; sharedSlots?: number | undefined },
): void {
  const usage = usageOf({ region: region.slug }, holdings)
  const below = (['reservedUnits', 'sharedSlots'] as const).find((key) => (wanted[key] ?? usage[key]) < usage[key])
  if (!below) return
  throw new Fault('capacity.in_use', 409, `${words(below, usage[below])} of ${region.name} are promised already`, {
    hint: 'Delete or move services first: mainstay mobile list',
  })
}

/** What is promised beyond what a region can hold now; null when all of it has its place. */
export function shortageOf(region: RegionRoom, holdings: Holding[]): { mode: Mode; message: string }[] {
  const usage = usageOf({ region: region.slug }, holdings)
  return (['reservedUnits', 'sharedSlots'] as const)
    .filter((key) => usage[key] > region.offer.total[key])
    .map((key) => ({
      mode: key === 'reservedUnits' ? 'reserved' : 'shared',
      message:
        `the hosts of ${region.name} that report offer ${words(key, region.offer.total[key])}, ` +
        `and ${usage[key]} are promised`,
    }))
}

function requireRegionRoom(region: RegionRoom, holdings: Holding[], wanted: Size): void {
  const key = wanted.mode === 'reserved' ? 'reservedUnits' : 'sharedSlots'
  const usage = usageOf({ region: region.slug }, holdings)
  const needed = takenBy(wanted)[key]
  const free = region.offer.total[key] - usage[key]
  if (free >= needed) return
  const flag = key === 'reservedUnits' ? '--reserved-units' : '--shared-slots'
  const raise = `mainstay region set "${region.name}" ${flag} ${usage[key] + needed}`
  const isSet = (region.offer.set?.[key] ?? 0) >= usage[key] + needed
  const isOrAre = needed === 1 ? 'is' : 'are'
  const message = `${region.name} has ${words(key, Math.max(0, free))} free and ${needed} ${isOrAre} needed`
  throw new Fault('capacity.exceeded', 409, message, {
    hint: isSet
      ? `Choose another region, bring its hosts back (mainstay status), or let them offer more (host ${flag})`
      : `Choose another region, or raise its capacity: ${raise}`,
  })
}

// The fuller of its two kinds of room says how loaded a host is.
function loadOf(usage: Capacity, offer: Capacity): number {
  const share = (used: number, of: number) => (of > 0 ? used / of : used > 0 ? Number.POSITIVE_INFINITY : 0)
  return Math.max(share(usage.reservedUnits, offer.reservedUnits), share(usage.sharedSlots, offer.sharedSlots))
}

function words(key: keyof Capacity, count: number): string {
  return `${count} ${key === 'reservedUnits' ? 'reserved units' : 'shared slots'}`
}
