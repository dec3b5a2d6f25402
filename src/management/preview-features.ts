// Preview features of the original: what a service has for the asking.
import type { KnownCaller } from '../accounts/caller.ts'
import type { ApiDeps } from '../control/compose.ts'
import { Fault } from '../kit/fault.ts'
import type { Service } from '../services/services.ts'

export type PreviewFeature = {
  name: string
  summary: string
  details: string
  isEnabled: (deps: ApiDeps, service: Service) => Promise<boolean>
  /** Enabled already is fine. Gives what clients are told about it besides. */
  enable: (deps: ApiDeps, caller: KnownCaller, service: Service) => Promise<Record<string, unknown>>
}

/** All that can be enabled. */
const PREVIEW_FEATURES: readonly PreviewFeature[] = []

/** Of the original, and not here: what scripts do instead. */
const NOT_MADE: Record<string, string> = {
  users: 'Scripts ask user.getIdentities() for what the provider told at the sign-in.',
}

/** Which of them a service has, and which it could have. */
export async function listPreviewFeatures(
  deps: ApiDeps,
  service: Service,
): Promise<{ enabled: string[]; available: string[] }> {
  const [enabled, available]: [string[], string[]] = [[], []]
  for (const { name, isEnabled } of PREVIEW_FEATURES) {
    const list = (await isEnabled(deps, service)) ? enabled : available
    list.push(name)
  }
  return { enabled, available }
}

/** The feature of that name, in any case. Faults with `preview.unknown`. */
export function getPreviewFeature(name: string): PreviewFeature {
  const found = PREVIEW_FEATURES.find((one) => one.name.toLowerCase() === name.toLowerCase())
  if (found) return found
  const instead = NOT_MADE[name.toLowerCase()]
  throw new Fault('preview.unknown', 400, `there is no preview feature '${name}'`, {
    hint: instead ?? 'See which there are: azure mobile preview list',
  })
}
