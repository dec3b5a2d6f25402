// What services and their health look like as `data:` lines.
import type { HealthView, ServiceView } from '../contract/api.ts'
import { formatAge } from './amounts.ts'
import { pairLines, tableLines } from './columns.ts'
import { lagText } from './server-lines.ts'

export const NO_SERVICES =
  "No mobile services created yet. You can create new mobile services using the 'mainstay mobile create' command."

/** The list: name, state and URL as in the original, then ours. */
export function serviceListLines(services: ServiceView[]): string[] {
  const rows = services.map((service) => [
    service.name,
    service.health.state,
    service.url,
    service.region,
    service.health.cause ?? '',
  ])
  return tableLines(['Name', 'State', 'URL', 'Region', 'Cause'], rows)
}

/** One line for each service that is not well: why, and what to type. */
export function troubleLines(services: ServiceView[], asTyped: (text: string) => string): string[] {
  const ill = services.filter((service) => service.health.message !== null || service.health.next !== null)
  return ill.flatMap(({ name, health }) => [
    ...(health.message === null ? [] : [`${name}: ${health.message}${health.since ? `, since ${health.since}` : ''}`]),
    ...(health.next === null ? [] : [`  Next: ${asTyped(health.next)}`]),
  ])
}

/** All that `mobile show` tells. */
export function serviceLines(
  service: ServiceView,
  options: { nowMs: number; asTyped: (text: string) => string },
): string[] {
  return [
    'Mobile service',
    ...indented([
      ['name', service.name],
      ...healthPairs(service.health, options),
      ['url', service.url],
      ['path url', service.pathUrl],
      ['application key', service.applicationKey],
      ['master key', service.masterKey],
      ['region', service.region],
      ['database', `${service.server}, now in ${service.serverRegion}`],
      ['exposure', exposureText(service.exposure, options.nowMs)],
      ['former database', formerText(service.formerDatabase)],
      ['epoch', String(service.epoch)],
      ['secondary', service.secondary],
      ['secondary for', service.secondaryFor],
      ['operation', service.operation],
      ['verification', verificationText(service.verification)],
      ['repository', service.sourceRepositoryUrl ?? null],
      ['created', service.createdAt],
      ['tables', service.tables.length > 0 ? service.tables.join(',') : null],
    ]),
    ...(service.tables.length > 0
      ? []
      : [options.asTyped(`  No tables yet. Create one: mainstay mobile table create ${service.name} TodoItem`)]),
    'Scale',
    ...indented([
      ['mode', service.mode],
      ['units', String(service.units)],
    ]),
  ]
}

// What would be lost if its database were, now.
function exposureText(exposure: ServiceView['exposure'], nowMs: number): string | null {
  if (!exposure) return null
  const { lagBytes, restorableTo } = exposure
  const standby = lagBytes === null ? 'no standby follows' : `standby ${lagText(exposure)} behind`
  return `${standby}; ${restorableTo === null ? 'no backup' : `backups to ${formatAge(restorableTo, nowMs)}`}`
}

function formerText(former: ServiceView['formerDatabase']): string | null {
  if (!former) return null
  return `${former.server}, kept ${former.keptUntil === null ? 'until you drop it' : `until ${former.keptUntil}`}`
}

function verificationText(verification: ServiceView['verification']): string | null {
  if (!verification) return null
  const { state, at, problem } = verification
  if (state === 'running') return `under way since ${at}`
  return state === 'succeeded' ? `all was well at ${at}` : `at ${at}: ${problem}`
}

/** State, cause, message, since when, evidence and what to do. */
export function healthPairs(
  health: HealthView,
  options: { nowMs: number; asTyped: (text: string) => string },
): [string, string | null][] {
  return [
    ['state', health.state],
    ['cause', health.cause],
    ['message', health.message],
    ['since', health.since === null ? null : `${health.since} (${formatAge(health.since, options.nowMs)})`],
    ...health.evidence.map((text): [string, string] => ['evidence', text]),
    ['next', health.next === null ? null : options.asTyped(health.next)],
  ]
}

/** What a person who has just created a service needs. */
export function createdLines(service: ServiceView, asTyped: (text: string) => string): string[] {
  const table = service.tables[0] ?? 'TodoItem'
  const next: string[] = []
  if (service.tables.length === 0) next.push(`mainstay mobile table create ${service.name} ${table}`)
  return [
    ...pairLines([
      ['Name', service.name],
      ['Region', service.region],
      ['Mode', service.mode === 'reserved' ? `reserved, ${unitsText(service.units)}` : 'shared'],
      ['Secondary for', service.secondaryFor],
      ['URL', service.url],
      ['Application key', service.applicationKey],
      ['Master key', service.masterKey],
    ]),
    ...(service.secondaryFor === null
      ? [
          'Next',
          ...next.map((command) => `  ${asTyped(command)}`),
          `  ${insertCurl(service, table)}`,
          `  ${readCurl(service, table)}`,
          ...(service.secondary === null
            ? [asTyped(`  mainstay mobile create ${service.name}-2 --secondary-for ${service.name}`)]
            : []),
        ]
      : ['Next', asTyped(`  mainstay mobile recover ${service.secondaryFor} ${service.name} --dry-run`)]),
  ]
}

/** A shell line that inserts a row through the path form of the URL. */
export function insertCurl(service: ServiceView, table: string): string {
  const headers = `-H 'X-ZUMO-APPLICATION: ${service.applicationKey}' -H 'Content-Type: application/json'`
  return `curl -X POST ${headers} -d '{"text":"hello"}' ${tableUrl(service, table)}`
}

/** A shell line that reads the rows back. */
export function readCurl(service: ServiceView, table: string): string {
  return `curl -H 'X-ZUMO-APPLICATION: ${service.applicationKey}' ${tableUrl(service, table)}`
}

function tableUrl(service: ServiceView, table: string): string {
  return `${service.pathUrl.replace(/\/+$/, '')}/tables/${encodeURIComponent(table)}`
}

function unitsText(units: number): string {
  return `${units} ${units === 1 ? 'unit' : 'units'}`
}

function indented(pairs: [string, string | null][]): string[] {
  return pairLines(pairs).map((line) => `  ${line}`)
}
