// What a person changes about a service that stays where it is: its keys, its settings, and a restart.
import type { Kysely, Updateable } from 'kysely'
import { audit } from '../accounts/audit.ts'
import type { Caller } from '../accounts/caller.ts'
import type { DryRunView, KeyType, KeyView, ServiceSettings } from '../contract/api.ts'
import type { Intake, Route } from '../contract/assignment.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { Fault } from '../kit/fault.ts'
import { randomKey } from '../kit/identifiers.ts'
import { transact } from '../operations/rehearsal.ts'
import { requireReachable } from '../regions/hosts.ts'
import { bumpDesired } from '../regions/regions.ts'
import type { ServiceDeps } from './create-service.ts'
import { untilServed } from './facts-of.ts'
import { getService, lockServices, requireIdle, type Service } from './services.ts'

/**
 * What is written about a service, and the words for it in the audit. `isOfControl`: no runtime has to know, only gateways
 * or nobody, so it may be written while the service is lost.
 */
type Change = {
  action: string
  set: (service: Service) => Updateable<ControlDatabase['services']>
  tell?: (service: Service) => { before: unknown; after: unknown }
  isOfControl?: boolean
  /** Writes more in the same transaction; faults where the locked service is not as whoever asks has seen it. */
  also?: (trx: Kysely<ControlDatabase>, service: Service) => Promise<void>
}

const NOT_OF_RUNTIMES = new Set(['loss_ms_max', 'is_https_redirected', 'hsts_seconds'])

const RESTART: Change = { action: 'mobile restart', set: (service) => ({ restarts: service.restarts + 1 }) }

// What a header carries without quoting, long enough not to be guessed.
const KEY = /^[A-Za-z0-9_-]{16,128}$/

/** Sets a key, or makes a new one, and waits until it opens the service. The old one is worth nothing from then on. */
export async function changeKey(
  deps: ServiceDeps,
  caller: Caller,
  name: string,
  wanted: { type: KeyType; value?: string | undefined },
): Promise<KeyView> {
  const { type, value = randomKey() } = wanted
  await change(deps, caller, name, keyChange(deps, { type, value }))
  return { type, value }
}

/** What another key would do; faults as the change would, and changes nothing. */
export async function planKey(
  deps: ServiceDeps,
  caller: Caller,
  name: string,
  wanted: { type: KeyType; value?: string | undefined },
): Promise<DryRunView> {
  const { type, value = randomKey() } = wanted
  const service = await tryChange(deps, caller, name, keyChange(deps, { type, value }))
  const made = wanted.value === undefined ? 'a new one' : 'the given one'
  return {
    isDryRun: true,
    changes: [`Replace the ${type} key of '${service.name}' by ${made}; the old one is refused`],
  }
}

function keyChange(deps: ServiceDeps, { type, value }: { type: KeyType; value: string }): Change {
  if (!KEY.test(value)) {
    throw new Fault('service.bad_key', 400, 'this cannot be a key', {
      hint: 'Use 16 to 128 letters, digits, hyphens and underscores, or let one be made: mainstay mobile key regenerate',
    })
  }
  const column = type === 'application' ? 'application_key' : 'master_key'
  const sealed = deps.seal.seal(value)
  return { action: `mobile key ${type}`, set: () => ({ [column]: sealed }) }
}

/** Settings of a service. */
export function settingsOf(service: Service): ServiceSettings {
  return {
    isSchemaDynamic: service.is_schema_dynamic,
    isKeyRequired: service.is_key_required,
    crossDomainWhitelist: service.cors_origins,
    isHttpsRequired: service.is_https_required,
    bodyKb: service.body_kb,
    loginRedirects: service.login_redirects,
    isHttpsRedirected: service.is_https_redirected,
    hstsSeconds: service.hsts_seconds,
    lossMsMax: service.loss_ms_max,
  }
}

/** What its runtime takes from apps. */
export function intakeOf(service: Pick<Service, 'cors_origins' | 'is_https_required' | 'body_kb'>): Intake {
  return { origins: service.cors_origins, isHttpsRequired: service.is_https_required, bodyKb: service.body_kb }
}

/** What gateways send and tell browsers of it; undefined: nothing. */
export function httpsOf(service: Pick<Service, 'is_https_redirected' | 'hsts_seconds'>): Route['https'] {
  const { is_https_redirected: isRedirected, hsts_seconds: hstsSeconds } = service
  return isRedirected || hstsSeconds > 0 ? { isRedirected, hstsSeconds } : undefined
}

/** Sets some settings, and what `also` writes, together or not at all; waits until they are in force. */
export async function changeSettings(
  deps: ServiceDeps,
  caller: Caller,
  name: string,
  wanted: Partial<ServiceSettings>,
  also: Change['also'] = async () => {},
): Promise<ServiceSettings> {
  await change(deps, caller, name, { ...settingsChange(wanted), also })
  return settingsOf(await getService(deps.db, caller.subscriptionId, name))
}

/** What other settings would do; faults as the change would, and changes nothing. */
export async function planSettings(
  deps: ServiceDeps,
  caller: Caller,
  name: string,
  wanted: Partial<ServiceSettings>,
): Promise<DryRunView> {
  const service = await tryChange(deps, caller, name, settingsChange(wanted))
  const before = settingsOf(service)
  const changes = Object.entries(wanted).map(
    ([key, value]) => `Set ${key} of '${service.name}' to ${value}, from ${before[key as keyof ServiceSettings]}`,
  )
  return { isDryRun: true, changes }
}

function settingsChange(wanted: Partial<ServiceSettings>): Change {
  const set = columnsOf(wanted)
  if (Object.keys(set).length === 0) {
    throw new Fault('service.no_setting', 400, 'no setting was named', {
      hint: 'See which there are: mainstay mobile config list',
    })
  }
  const tell = (service: Service) => ({ before: settingsOf(service), after: wanted })
  const isOfControl = Object.keys(set).every((column) => NOT_OF_RUNTIMES.has(column))
  return { action: 'mobile config set', set: () => set, tell, isOfControl }
}

/** Settings as columns; what is left out stays. */
export function columnsOf(wanted: Partial<ServiceSettings>): Updateable<ControlDatabase['services']> {
  const { isSchemaDynamic, isKeyRequired, crossDomainWhitelist: origins, isHttpsRequired, bodyKb, lossMsMax } = wanted
  const { loginRedirects } = wanted
  const { isHttpsRedirected, hstsSeconds } = wanted
  return {
    ...(isKeyRequired === undefined ? {} : { is_key_required: isKeyRequired }),
    ...(isSchemaDynamic === undefined ? {} : { is_schema_dynamic: isSchemaDynamic }),
    ...(origins === undefined ? {} : { cors_origins: JSON.stringify(origins) }),
    ...(isHttpsRequired === undefined ? {} : { is_https_required: isHttpsRequired }),
    ...(bodyKb === undefined ? {} : { body_kb: bodyKb }),
    ...(loginRedirects === undefined ? {} : { login_redirects: JSON.stringify(loginRedirects) }),
    ...(isHttpsRedirected === undefined ? {} : { is_https_redirected: isHttpsRedirected }),
    ...(hstsSeconds === undefined ? {} : { hsts_seconds: hstsSeconds }),
    ...(lossMsMax === undefined ? {} : { loss_ms_max: lossMsMax }),
  }
}

/** Ends what a service keeps open and starts it afresh, and waits until it serves again. */
export async function restartService(deps: ServiceDeps, caller: Caller, name: string): Promise<void> {
  await change(deps, caller, name, RESTART)
}

/** What a restart would do; faults as it would, and changes nothing. */
export async function planRestart(deps: ServiceDeps, caller: Caller, name: string): Promise<DryRunView> {
  const service = await tryChange(deps, caller, name, RESTART)
  const what = service.mode === 'reserved' ? 'its connections, scripts and processes' : 'its connections and scripts'
  return { isDryRun: true, changes: [`Restart '${service.name}' on ${service.machine}: ${what}`] }
}

async function change(deps: ServiceDeps, caller: Caller, name: string, wanted: Change): Promise<void> {
  const { service, version } = await write(deps, caller, name, { ...wanted, isDryRun: false })
  await deps.field.push()
  if (wanted.isOfControl) return
  await untilServed(deps.field, service, version)
}

async function tryChange(deps: ServiceDeps, caller: Caller, name: string, wanted: Change): Promise<Service> {
  return (await write(deps, caller, name, { ...wanted, isDryRun: true })).service
}

async function write(
  deps: ServiceDeps,
  caller: Caller,
  name: string,
  wanted: Change & { isDryRun: boolean },
): Promise<{ service: Service; version: number }> {
  const { db, field } = deps
  const named = await getService(db, caller.subscriptionId, name)
  await field.settle()
  if (!wanted.isOfControl) requireReachable(field, named.machine, `'${named.name}'`)
  return await transact(db, wanted, async (trx) => {
    const [locked] = await lockServices(trx, [named.id])
    if (!locked) throw new Fault('service.unknown', 404, `there is no mobile service '${name}' any more`)
    if (!wanted.isOfControl) requireIdle(locked)
    await wanted.also?.(trx, locked)
    await trx.updateTable('services').set(wanted.set(locked)).where('id', '=', locked.id).execute()
    await audit(trx, caller, { action: wanted.action, subject: locked.name, ...wanted.tell?.(locked) })
    return { service: locked, version: await bumpDesired(trx) }
  })
}
