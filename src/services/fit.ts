// Whether a secondary is good for its primary: as high, as large. One rule, wherever a size changes.
import type { Mode } from '../contract/api.ts'
import { Fault } from '../kit/fault.ts'
import type { Size } from '../regions/ledger.ts'

type Named = Size & { name: string }

/** Why a primary of this size cannot stand on a secondary of that size; null when it can. */
export function unfitReason(primary: Size, secondary: Size): 'mode_too_low' | 'too_few_units' | null {
  if (primary.mode === 'shared') return null
  if (secondary.mode === 'shared') return 'mode_too_low'
  return secondary.units < primary.units ? 'too_few_units' : null
}

/** The size that a change asks for. Faults with `service.bad_units`. */
export function resized(now: Size, wanted: { mode?: Mode | undefined; units?: number | undefined }): Size {
  const mode = wanted.mode ?? now.mode
  const units = wanted.units ?? (mode === now.mode ? now.units : 1)
  if (mode === 'shared' && units !== 1) {
    throw new Fault('service.bad_units', 400, 'a shared service has no units of its own', {
      hint: 'Leave --units out, or choose --mode reserved.',
    })
  }
  return { mode, units }
}

/**
 * Refuses a size under which the promise between a service and its partner would be broken, with the command that would
 * make it possible. Faults with `scale.above_secondary` or `scale.below_primary`.
 */
export function requireKeptPromise(service: Named, partners: { primary: Named | null; secondary: Named | null }): void {
  const { primary, secondary } = partners
  if (secondary && unfitReason(service, secondary)) {
    const message = `'${service.name}' would be ${sizeText(service)} and its secondary '${secondary.name}' is ${sizeText(secondary)}`
    throw new Fault('scale.above_secondary', 409, message, {
      hint: `Scale the secondary first: ${scaleCommand(secondary.name, service)}`,
    })
  }
  if (primary && unfitReason(primary, service)) {
    const message = `'${service.name}' would be ${sizeText(service)} and its primary '${primary.name}' is ${sizeText(primary)}`
    throw new Fault('scale.below_primary', 409, message, {
      hint: `Scale the primary first: ${scaleCommand(primary.name, service)}`,
    })
  }
}

/** "shared", "reserved with 2 units". */
export function sizeText(size: Size): string {
  return size.mode === 'shared' ? 'shared' : `reserved with ${size.units} ${size.units === 1 ? 'unit' : 'units'}`
}

function scaleCommand(name: string, size: Size): string {
  const units = size.mode === 'reserved' ? ` --units ${size.units}` : ''
  return `mainstay mobile scale change ${name} --mode ${size.mode}${units}`
}
