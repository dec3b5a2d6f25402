// How the whole cloud stands, in one line: the worst of what there is.
import type { StatusView } from '../../contract/api.ts'
import { countOf } from '../kit/amounts.ts'

type Standing = { name: string; health: { state: string } }
export type CloudState = { state: 'Ready' | 'Degraded' | 'Unhealthy' | 'Recovering'; words: string; href: string }

const ORDER = ['Unhealthy', 'Recovering', 'Degraded'] as const

export function cloudState({ regions, services }: Pick<StatusView, 'regions' | 'services'>): CloudState {
  for (const state of ORDER) {
    const ill = named(services, state)
    if (ill.length > 0) {
      const words = ill.length === 1 ? `${ill[0]} is ${state}` : `${ill.length} services ${state}`
      const href = ill.length === 1 ? `/services/${ill[0]}/recovery` : `/services?state=${state}`
      return { state, words, href }
    }
    const lost = named(regions, state)
    if (lost.length > 0) return { state, words: `${lost.join(', ')} ${state}`, href: '/regions' }
  }
  const words = services.length === 0 ? 'No services yet' : `${countOf(services.length, 'service')}, all well`
  return { state: 'Ready', words, href: '/services' }
}

function named(all: Standing[], state: string): string[] {
  return all.filter(({ health }) => health.state === state).map(({ name }) => name)
}
