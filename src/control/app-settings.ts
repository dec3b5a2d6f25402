// App settings of a service through the management API.
import type { Kysely } from 'kysely'
import { audit } from '../accounts/audit.ts'
import type { Caller, KnownCaller } from '../accounts/caller.ts'
import type { AppSettingView, SetAppSetting, StoredChangeView } from '../contract/api.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { Fault } from '../kit/fault.ts'
import { type AppSettings, appSettingsOf, nameIn, withSetting, writeAppSettings } from '../services/app-settings.ts'
import { getService, type Service } from '../services/services.ts'
import type { ApiDeps } from './compose.ts'
import { auditReplaced } from './replaced-names.ts'
import { storeChange } from './stored-change.ts'

/** The app settings of a service; who may only look sees their names. */
export async function viewAppSettings(deps: ApiDeps, caller: KnownCaller, name: string): Promise<AppSettingView[]> {
  const settings = settingsOf(deps, await getService(deps.db, caller.subscriptionId, name))
  return Object.entries(settings)
    .map(([key, value]) => ({ name: key, value: caller.role === 'reader' ? null : value }))
    .sort((left, right) => (left.name.toLowerCase() < right.name.toLowerCase() ? -1 : 1))
}

/** Sets an app setting. Faults with `appsetting.exists` where it was to be a new one. */
export async function setAppSetting(
  deps: ApiDeps,
  caller: Caller,
  names: { service: string; setting: string },
  { value, isNew }: SetAppSetting,
): Promise<StoredChangeView> {
  const service = await getService(deps.db, caller.subscriptionId, names.service)
  const { isRunning } = await storeChange(deps, service, async (trx, locked) => {
    const before = settingsOf(deps, locked)
    const known = nameIn(before, names.setting)
    if (isNew === true && known !== null) {
      throw new Fault('appsetting.exists', 409, `'${service.name}' already has an app setting '${known}'`, {
        hint: `Replace it: mainstay mobile appsetting set ${service.name} ${known} VALUE`,
      })
    }
    const after = withSetting(before, names.setting, value)
    if (known !== null && before[known] === value) return null
    await writeAppSettings(trx, locked, deps.seal.seal(JSON.stringify(after)))
    const subject = `${service.name}/${known ?? names.setting}`
    // What it is set to is nobody's to read here.
    await audit(trx, caller, { action: 'mobile appsetting set', subject })
    return true
  })
  return { isRunning }
}

/** Removes an app setting. Faults with `appsetting.unknown`. */
export async function deleteAppSetting(
  deps: ApiDeps,
  caller: Caller,
  names: { service: string; setting: string },
): Promise<StoredChangeView> {
  const service = await getService(deps.db, caller.subscriptionId, names.service)
  const { isRunning } = await storeChange(deps, service, async (trx, locked) => {
    const before = settingsOf(deps, locked)
    const known = nameIn(before, names.setting)
    if (known === null) {
      throw new Fault('appsetting.unknown', 404, `'${service.name}' has no app setting '${names.setting}'`, {
        hint: `See which there are: mainstay mobile appsetting list ${service.name}`,
      })
    }
    const rest = Object.fromEntries(Object.entries(before).filter(([name]) => name !== known))
    await writeAppSettings(trx, locked, deps.seal.seal(JSON.stringify(rest)))
    await audit(trx, caller, { action: 'mobile appsetting delete', subject: `${service.name}/${known}` })
    return true
  })
  return { isRunning }
}

/** Sets all of them at once. `change` makes them from those that are there, and may fault. */
export async function replaceAppSettings(
  deps: ApiDeps,
  caller: Caller,
  name: string,
  change: (before: AppSettings, locked: Service) => AppSettings,
): Promise<StoredChangeView> {
  const service = await getService(deps.db, caller.subscriptionId, name)
  const { isRunning } = await storeChange(deps, service, async (trx, locked) => {
    const isChanged = await writeReplaced(deps, trx, { caller, locked }, (before) => change(before, locked))
    return isChanged ? true : null
  })
  return { isRunning }
}

/** The same as a part of another change of the locked service; false when they are as they were. */
export async function writeReplaced(
  deps: Pick<ApiDeps, 'seal'>,
  trx: Kysely<ControlDatabase>,
  { caller, locked }: { caller: Caller; locked: Service },
  change: (before: AppSettings) => AppSettings,
): Promise<boolean> {
  const before = settingsOf(deps, locked)
  const after = change(before)
  const about = { service: locked.name, command: 'mobile appsetting', before, after }
  if (!(await auditReplaced(trx, caller, about))) return false
  await writeAppSettings(trx, locked, deps.seal.seal(JSON.stringify(after)))
  return true
}

function settingsOf(deps: Pick<ApiDeps, 'seal'>, service: Service): Record<string, string> {
  return appSettingsOf(service, (sealed) => deps.seal.open(sealed))
}
