// App settings: what the scripts of a service find in their environment. Secrets, as a rule, so they lie sealed.
import type { Kysely } from 'kysely'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { Fault } from '../kit/fault.ts'
import { APP_SETTINGS_BYTES_MAX } from '../kit/limits.ts'
import type { Service } from './services.ts'

export type AppSettings = Record<string, string>

const NAME = /^[A-Za-z_][A-Za-z0-9_.:-]{0,127}$/
/** What the platform sets. */
const OWN_NAME = /^ms_/i

/** The settings of a service; `open` unseals. */
export function appSettingsOf(service: Pick<Service, 'app_settings'>, open: (sealed: string) => string): AppSettings {
  return service.app_settings === null ? {} : (JSON.parse(open(service.app_settings)) as AppSettings)
}

/** The name under which a setting is there, whatever its case; null when it is not. */
export function nameIn(settings: AppSettings, name: string): string | null {
  return Object.keys(settings).find((one) => one.toLowerCase() === name.toLowerCase()) ?? null
}

/** With one of them set. Faults with `appsetting.bad_name` or `appsetting.too_large`. */
export function withSetting(settings: AppSettings, name: string, value: string): AppSettings {
  if (!NAME.test(name)) {
    throw new Fault('appsetting.bad_name', 400, `'${name}' cannot be the name of an app setting`, {
      hint: 'Use up to 128 letters, digits, underscores, dots, colons and hyphens, a letter or an underscore first.',
    })
  }
  if (OWN_NAME.test(name)) {
    throw new Fault('appsetting.bad_name', 400, `'${name}' is a name that only Mainstay sets`, {
      hint: 'Choose one that does not begin with MS_.',
    })
  }
  if (value.includes('\0')) throw new Fault('appsetting.bad_value', 400, 'an app setting can not hold a zero character')
  const changed = { ...settings, [nameIn(settings, name) ?? name]: value }
  const bytes = Buffer.byteLength(JSON.stringify(changed))
  if (bytes <= APP_SETTINGS_BYTES_MAX) return changed
  throw new Fault('appsetting.too_large', 413, `the app settings would have ${bytes} bytes`, {
    hint: `${APP_SETTINGS_BYTES_MAX} are the most for all of a service together.`,
  })
}

/** Writes all of them; `sealed` holds their JSON. */
export async function writeAppSettings(
  trx: Kysely<ControlDatabase>,
  service: Pick<Service, 'id'>,
  sealed: string | null,
): Promise<void> {
  await trx.updateTable('services').set({ app_settings: sealed }).where('id', '=', service.id).execute()
}
