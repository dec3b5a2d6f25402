// Preview features of the original: what a service has for the asking.
import type { KnownCaller } from '../accounts/caller.ts'
import type { ApiDeps } from '../control/compose.ts'
import { Fault } from '../kit/fault.ts'
import type { Service } from '../services/services.ts'

export type PreviewFeature = {
  name: string
  summary: string
  details: string
  isEnabled: (deps: ApiDeps, service: Service) => boolean | Promise<boolean>
  /** Idempotent; gives what clients are told about it besides. */
  enable: (deps: ApiDeps, caller: KnownCaller, service: Service) => Promise<Record<string, unknown>>
}

/** What the original called `Users` is no preview here: every service has it. */
const USERS: PreviewFeature = {
  name: 'Users',
  summary: 'Your service knows more about its users.',
  details: 'Scripts ask user.getIdentities() for what the provider told at the sign-in. It is always on.',
  isEnabled: () => true,
  enable: async () => ({}),
}

/** All that there are. */
export const PREVIEW_FEATURES: readonly PreviewFeature[] = [USERS]

/** Which of them a service has, and which it could have. */
export async function listPreviewFeatures(
  deps: ApiDeps,
  service: Service,
): Promise<{ enabled: string[]; available: string[] }> {
  const states = await Promise.all(
    PREVIEW_FEATURES.map(async (one) => ({ one, isOn: await one.isEnabled(deps, service) })),
  )
  const named = (isOn: boolean) => states.filter((state) => state.isOn === isOn).map(({ one }) => one.name)
  return { enabled: named(true), available: named(false) }
}

/** The feature of that name, in any case. Faults with `preview.unknown`. */
export function getPreviewFeature(name: string): PreviewFeature {
  const found = PREVIEW_FEATURES.find((one) => one.name.toLowerCase() === name.toLowerCase())
  if (found) return found
  throw new Fault('preview.unknown', 400, `there is no preview feature '${name}'`, {
    hint: `There is ${PREVIEW_FEATURES.map((one) => one.name).join(', ')}.`,
  })
}
