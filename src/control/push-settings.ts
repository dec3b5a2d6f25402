// Push notifications of a service through the management API: credentials are stored here, devices are counted there.
import { audit } from '../accounts/audit.ts'
import type { Caller } from '../accounts/caller.ts'
import type { PushSendView, PushView, SetPushPermission, SetPushPlatform, StoredChangeView } from '../contract/api.ts'
import { PUSH_PATH } from '../contract/protocols.ts'
import { PUSH_PLATFORMS, type PushReport, type PushSettings } from '../contract/push.ts'
import { Fault } from '../kit/fault.ts'
import { requireReachable } from '../regions/hosts.ts'
import {
  factsOfPlatform,
  pushSettingsOf,
  requirePlatform,
  withoutPlatform,
  withPlatform,
  writePushSettings,
} from '../services/push-settings.ts'
import { listCurrentScripts } from '../services/scripts.ts'
import { getService, type Service } from '../services/services.ts'
import type { ApiDeps } from './compose.ts'
import { refusalOf, runtimeTarget } from './service-runtime.ts'
import { storeChange } from './stored-change.ts'

type Names = { service: string; platform: string }

/** How push stands: each platform, without its secrets, and how many devices there are. */
export async function viewPush(deps: ApiDeps, caller: Caller, name: string): Promise<PushView> {
  const service = await getService(deps.db, caller.subscriptionId, name)
  const settings = settingsOf(deps, service)
  const report = await reportOrNull(deps, service)
  const scripts = await listCurrentScripts(deps.db, [service.id])
  return {
    permission: settings.permission ?? 'application',
    platforms: PUSH_PLATFORMS.map((platform) => ({
      platform,
      isSet: settings[platform] !== undefined,
      facts: factsOfPlatform(settings, platform),
      registrations: report === null ? null : (report.registrations[platform] ?? 0),
    })),
    isKnown: report !== null,
    hasScript: scripts.some((script) => script.name === 'extensions/push'),
  }
}

/** Sets credentials of a platform; what is not given stays. Faults with `push.bad_settings`. */
export async function setPushPlatform(
  deps: ApiDeps,
  caller: Caller,
  names: Names,
  wanted: SetPushPlatform,
): Promise<StoredChangeView> {
  const platform = requirePlatform(names.platform)
  return await changePush(deps, caller, names.service, {
    action: `mobile push ${platform} set`,
    of: (settings) => withPlatform(settings, platform, wanted),
  })
}

/** Removes the credentials of a platform. Faults with `push.unknown` where there are none. */
export async function deletePushPlatform(deps: ApiDeps, caller: Caller, names: Names): Promise<StoredChangeView> {
  const platform = requirePlatform(names.platform)
  return await changePush(deps, caller, names.service, {
    action: `mobile push ${platform} delete`,
    of: (settings) => {
      if (settings[platform] !== undefined) return withoutPlatform(settings, platform)
      throw new Fault('push.unknown', 404, `'${names.service}' has no credentials of ${platform}`, {
        hint: `See what is set: mainstay mobile push show ${names.service}`,
      })
    },
  })
}

/** Sets who may register devices. */
export async function setPushPermission(
  deps: ApiDeps,
  caller: Caller,
  name: string,
  { permission }: SetPushPermission,
): Promise<StoredChangeView> {
  return await changePush(deps, caller, name, {
    action: 'mobile push permission',
    of: (settings) => ({ ...settings, permission }),
  })
}

/** How the newest messages went. */
export async function viewPushSends(deps: ApiDeps, caller: Caller, name: string, top: number): Promise<PushSendView[]> {
  const service = await getService(deps.db, caller.subscriptionId, name)
  await deps.field.settle()
  requireReachable(deps.field, service.machine, `'${service.name}'`)
  const { status, body } = await askReport(deps, service, top)
  if (status >= 400) throw new Fault('remote.failed', status, refusalOf(body))
  return (body as PushReport).sends
}

/** Changes them as `of` says, which may fault. */
export async function changePush(
  deps: ApiDeps,
  caller: Caller,
  name: string,
  { action, of }: { action: string; of: (settings: PushSettings, locked: Service) => PushSettings },
): Promise<StoredChangeView> {
  const service = await getService(deps.db, caller.subscriptionId, name)
  const { isRunning } = await storeChange(deps, service, async (trx, locked) => {
    const before = settingsOf(deps, locked)
    const after = of(before, locked)
    if (JSON.stringify(after) === JSON.stringify(before)) return null
    await writePushSettings(trx, locked, deps.seal.seal(JSON.stringify(after)))
    // What it is set to is nobody's to read here.
    await audit(trx, caller, { action, subject: service.name })
    return true
  })
  return { isRunning }
}

async function reportOrNull(deps: ApiDeps, service: Service): Promise<PushReport | null> {
  if (!deps.field.isReachable(service.machine)) return null
  try {
    const { status, body } = await askReport(deps, service, 0)
    return status === 200 ? (body as PushReport) : null
  } catch {
    // What only a lost home knows is shown as unknown.
    return null
  }
}

async function askReport(deps: ApiDeps, service: Service, top: number) {
  const call = { method: 'GET' as const, path: `${PUSH_PATH}?${new URLSearchParams({ top: String(top) })}` }
  return await deps.field.askRuntime(runtimeTarget(deps, service), call)
}

function settingsOf(deps: ApiDeps, service: Service): PushSettings {
  return pushSettingsOf(service, (sealed) => deps.seal.open(sealed))
}
