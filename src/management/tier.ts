// The original's tiers of a service, and what they are here: the free one is shared, those that are paid are reserved.
import type { Mode } from '../contract/api.ts'
import { Fault } from '../kit/fault.ts'

export type Size = { mode: Mode; units: number }

const TIERS: Record<string, Mode> = {
  tier1: 'shared',
  tier2: 'reserved',
  tier3: 'reserved',
  // Names of the older dialect.
  free: 'shared',
  shared: 'shared',
  basic: 'reserved',
  standard: 'reserved',
  premium: 'reserved',
  reserved: 'reserved',
}

/** The tier of a mode. There are two modes: the middle tier is asked for, but never shown. */
export function tierOf(mode: Mode, { isOlder }: { isOlder: boolean }): string {
  if (mode === 'shared') return isOlder ? 'free' : 'tier1'
  return isOlder ? 'standard' : 'tier3'
}

/** The size that scale settings ask for; the tools send numbers as text. Faults with `service.bad_scale`. */
export function sizeOf({ tier, numberOfInstances }: Record<string, unknown>): Size {
  const mode = typeof tier === 'string' ? TIERS[tier.toLowerCase()] : undefined
  if (mode === undefined) throw bad(`'${String(tier)}' is no tier: there are tier1, tier2 and tier3`)
  const units = numberOfInstances === undefined ? 1 : Number(numberOfInstances)
  if (!Number.isInteger(units) || units < 1 || units > 100) throw bad('the number of instances is from 1 to 100')
  if (mode === 'shared' && units > 1) throw bad('a service of the free tier has one instance')
  return { mode, units }
}

function bad(message: string): Fault {
  return new Fault('service.bad_scale', 400, message)
}
