// Which services are shown, in which order, a page at a time.
import type { ServiceView } from '../../contract/api.ts'

/** More rows than this make a page slow, and nobody reads them. */
export const PAGE_SERVICES = 50

export type ServiceFilter = { text: string; state: string }

const URGENCY = ['Unhealthy', 'Recovering', 'Degraded', 'Starting', 'Stopped', 'Ready']

/** What is wrong comes first, then by name. The text is looked for in all that a row shows. */
export function filterServices(services: readonly ServiceView[], { text, state }: ServiceFilter): ServiceView[] {
  const wanted = text.trim().toLowerCase()
  return services
    .filter(({ health }) => state === '' || health.state === state)
    .filter((service) => wanted === '' || searched(service).includes(wanted))
    .sort((a, b) => urgency(a) - urgency(b) || a.name.localeCompare(b.name, 'en', { numeric: true }))
}

/** `isLost`: what of its data stands in one place only cannot be said. */
export function exposureText(exposure: ServiceView['exposure'], nowMs: number): { standby: string; vault: string } {
  if (!exposure) return { standby: 'not ours', vault: 'not ours' }
  const { lagBytes, lagMs, restorableTo } = exposure
  const seconds = lagMs === null ? null : (lagMs / 1_000).toFixed(1)
  return {
    standby: lagBytes === null ? 'no standby' : lagBytes === 0 ? 'in step' : `${seconds ?? '?'} s behind`,
    vault:
      restorableTo === null
        ? 'no backup'
        : `to ${Math.max(0, Math.round((nowMs - Date.parse(restorableTo)) / 1_000))} s ago`,
  }
}

function urgency({ health }: ServiceView): number {
  return URGENCY.indexOf(health.state)
}

function searched({ name, region, server, secondary, secondaryFor, health, url }: ServiceView): string {
  return [name, region, server, secondary, secondaryFor, health.state, health.cause, url].join('\n').toLowerCase()
}
