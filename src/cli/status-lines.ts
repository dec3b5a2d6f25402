// The whole cloud on one screen.

import { formatBytes, formatMs } from '../contract/amounts.ts'
import type { IncidentView, RegionView, ServerView, StatusView } from '../contract/api.ts'
import { tableLines } from './columns.ts'
import { incidentLines } from './incident-list.ts'
import { serverListLines } from './server-lines.ts'
import { NO_SERVICES, serviceListLines, troubleLines } from './service-lines.ts'

/** Regions, services, servers, machines, warnings and what to do next. */
export function statusLines(
  status: StatusView,
  servers: ServerView[],
  { asTyped, nowMs }: { asTyped: (text: string) => string; nowMs: number },
): string[] {
  const next = nextCommands(status)
  const machines = status.machines.map((machine) => [
    machine.name,
    machine.role,
    machine.domain,
    machine.lastSeenMs === null ? 'never' : `${formatMs(machine.lastSeenMs)} ago`,
    machine.memoryBytes === null ? '' : formatBytes(machine.memoryBytes),
  ])
  return [
    ...regionListLines(status.regions),
    '',
    ...(status.services.length > 0 ? serviceListLines(status.services) : [NO_SERVICES]),
    ...troubleLines(status.services, asTyped),
    '',
    ...serverListLines(servers, nowMs),
    '',
    ...tableLines(['Machine', 'Role', 'Domain', 'Last seen', 'Memory'], machines),
    '',
    ...controlLines(status, nowMs),
    ...partIncidentLines(status.incidents ?? [], nowMs),
    ...(status.warnings.length > 0 ? ['', ...status.warnings.map((text) => `Warning: ${asTyped(text)}`)] : []),
    ...(next.length > 0 ? ['', ...next.map((command) => `Next: ${asTyped(command)}`)] : []),
  ]
}

// Those of services and regions stand beside them.
function partIncidentLines(incidents: IncidentView[], nowMs: number): string[] {
  const parts = incidents.filter(({ kind }) => kind !== 'service' && kind !== 'region')
  return parts.length === 0 ? [] : ['', ...incidentLines(parts, nowMs)]
}

/** The control processes, and how old the newest archive of their database is. */
function controlLines({ controls, archive }: StatusView, nowMs: number): string[] {
  const rows = controls.map((control) => [
    control.name,
    control.domain,
    control.isExecuting ? 'executing' : 'standing by',
    control.since,
    control.version,
    `${formatMs(control.lastSeenMs)} ago`,
  ])
  const age = archive?.newestAt ? `${formatMs(Math.max(0, nowMs - Date.parse(archive.newestAt)))} ago` : 'not yet'
  return [
    ...tableLines(['Control', 'Domain', 'State', 'Since', 'Version', 'Last seen'], rows),
    ...(archive ? [`Newest archive: ${age}, in ${archive.vaults} vault(s)`] : []),
  ]
}

/** The regions with their health and what is left of their capacity. */
export function regionListLines(regions: RegionView[]): string[] {
  const rows = regions.map((region) => [
    region.name,
    region.slug,
    region.health.state,
    `${region.reservedUnitsUsed} of ${region.reservedUnits}`,
    `${region.sharedSlotsUsed} of ${region.sharedSlots}`,
    String(region.hosts),
    region.health.cause ?? '',
  ])
  return tableLines(['Region', 'Slug', 'State', 'Reserved units', 'Shared slots', 'Hosts', 'Cause'], rows)
}

/** Commands that advance things now: what health advises for regions, else a first service or a secondary. */
export function nextCommands(status: StatusView): string[] {
  // What services need is told beside each of them already.
  const advised = status.regions.flatMap(({ health }) => (health.next === null ? [] : [health.next]))
  if (advised.length > 0) return [...new Set(advised)]
  if (status.services.some(({ health }) => health.next !== null)) return []
  const [region] = status.regions
  if (status.services.length === 0 && region)
    return [`mainstay mobile create PrimaryService --location "${region.name}"`]
  const bare = status.services.find((service) => service.secondaryFor === null && service.secondary === null)
  return bare ? [`mainstay mobile create ${bare.name}-2 --secondary-for ${bare.name}`] : []
}
