// The capacity ledger: what each service takes of its region. Derived from the services' rows, so it cannot drift.
import type { Mode } from '../contract/api.ts'
import { Fault } from '../kit/fault.ts'

export type Capacity = { reservedUnits: number; sharedSlots: number }

/** A living service as the ledger sees it. */
export type Holding = {
  id: string
  region: string
  mode: Mode
  units: number
  operationId: string | null
  isRecovering: boolean
}

/** What the services of a region take together. */
export function usageOf(region: string, holdings: Holding[]): Capacity {
  const usage = { reservedUnits: 0, sharedSlots: 0 }
  for (const holding of holdings) {
    if (holding.region !== region || standsOnClaim(holding, holdings)) continue
    if (holding.mode === 'reserved') usage.reservedUnits += holding.units
    else usage.sharedSlots += 1
  }
  return usage
}

/** Faults with `capacity.exceeded` when a region cannot take one more service of this size. */
export function requireRoom(
  region: { name: string; slug: string; capacity: Capacity },
  holdings: Holding[],
  wanted: { mode: Mode; units: number },
): void {
  const usage = usageOf(region.slug, holdings)
  const isReserved = wanted.mode === 'reserved'
  const free = isReserved
    ? region.capacity.reservedUnits - usage.reservedUnits
    : region.capacity.sharedSlots - usage.sharedSlots
  const needed = isReserved ? wanted.units : 1
  if (free >= needed) return
  const what = isReserved ? 'reserved units' : 'shared slots'
  const flag = isReserved ? '--reserved-units' : '--shared-slots'
  const total = (isReserved ? region.capacity.reservedUnits : region.capacity.sharedSlots) + needed - free
  throw new Fault('capacity.exceeded', 409, `${region.name} has ${free} ${what} free and ${needed} are needed`, {
    hint: `Choose another region, or raise its capacity: mainstay region set "${region.name}" ${flag} ${total}`,
  })
}

/** Faults with `capacity.in_use` when a region's capacity would fall below what is promised already. */
export function requireNotBelowUse(
  region: { name: string; slug: string },
  holdings: Holding[],
  wanted: { reservedUnits?: number | undefined; sharedSlots?: number | undefined },
): void {
  const usage = usageOf(region.slug, holdings)
  const below = (['reservedUnits', 'sharedSlots'] as const).find((key) => (wanted[key] ?? usage[key]) < usage[key])
  if (!below) return
  const what = below === 'reservedUnits' ? 'reserved units' : 'shared slots'
  throw new Fault('capacity.in_use', 409, `${usage[below]} ${what} of ${region.name} are promised already`, {
    hint: 'Delete or move services first: mainstay mobile list',
  })
}

// While a recovery runs, its secondary's promise covers the recovered service in the new region: counted once.
function standsOnClaim(holding: Holding, holdings: Holding[]): boolean {
  if (!holding.isRecovering || holding.operationId === null) return false
  return holdings.some(
    (other) => other.id !== holding.id && other.operationId === holding.operationId && other.region === holding.region,
  )
}
