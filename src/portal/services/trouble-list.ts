// What is wrong in the cloud, the worst first, as few lines as say it.
import type { HealthView, StatusView } from '../../contract/api.ts'

/** More than these are counted: the list of services below has them all. */
export const TROUBLES_SHOWN_MAX = 6

export type Trouble = {
  kind: 'region' | 'service'
  name: string
  health: HealthView
  /** Of a service, the secondary that may take over; null where there is none. */
  secondary: string | null
  /** Of a region, how many services in it are not well for the same cause. */
  services: number
}

const ORDER: HealthView['state'][] = ['Unhealthy', 'Recovering', 'Degraded']

export function listTroubles({ regions, services }: Pick<StatusView, 'regions' | 'services'>): Trouble[] {
  const ofRegions = regions
    .filter(({ health }) => ORDER.includes(health.state))
    .map(({ name, health }): Trouble => {
      const inIt = services.filter((service) => service.region === name && ORDER.includes(service.health.state))
      return { kind: 'region', name, health, secondary: null, services: inIt.length }
    })
  const ofServices = services
    .filter(({ health }) => ORDER.includes(health.state))
    .map(({ name, health, secondary }): Trouble => ({ kind: 'service', name, health, secondary, services: 0 }))
  return [...ofRegions, ...ofServices].sort((a, b) => rank(a) - rank(b) || since(a) - since(b))
}

// A region explains its services, so it stands before those that are in the same state.
function rank({ kind, health }: Trouble): number {
  return ORDER.indexOf(health.state) * 2 + (kind === 'region' ? 0 : 1)
}

function since({ health }: Trouble): number {
  return health.since === null ? Number.MAX_SAFE_INTEGER : Date.parse(health.since)
}
