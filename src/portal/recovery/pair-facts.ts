// The pair of a service as a map has it: which region holds what, and how far apart it is.

import { formatBytes, formatMs } from '../../contract/amounts.ts'
import type { ServerView, ServiceView, StatusView } from '../../contract/api.ts'

export type Tone = 'good' | 'warning' | 'bad' | 'moving' | 'quiet'
export type Tile = {
  kind: 'service' | 'secondary' | 'primary' | 'standby' | 'quarantined'
  name: string
  text: string
  tone: Tone
}
export type PairRegion = { name: string; state: string; tiles: Tile[] }

type Facts = {
  service: ServiceView
  secondary: ServiceView | null
  server: ServerView | null
  regions: Pick<StatusView['regions'][number], 'name' | 'health'>[]
}

/** The region of the service first, then the others that hold something of it. */
export function pairRegions({ service, secondary, server, regions }: Facts): PairRegion[] {
  const members = server?.members ?? []
  const names = [service.region, service.serverRegion, secondary?.region, ...members.map(({ region }) => region)]
  return [...new Set(names.filter((name) => name !== undefined))].map((name) => ({
    name,
    state: regions.find((region) => region.name === name)?.health.state ?? 'unknown',
    tiles: [
      ...(service.region === name ? [serviceTile('service', service)] : []),
      ...(secondary?.region === name ? [serviceTile('secondary', secondary)] : []),
      ...(server?.kind === 'external' && service.serverRegion === name ? [externalTile(server)] : []),
      ...members.filter(({ region }) => region === name).map((member) => memberTile(server?.name ?? '', member)),
    ],
  }))
}

/** How far the standby is behind, for the line between the two; null where nothing follows. */
export function lagLabel(server: ServerView | null): string | null {
  const standby = server?.members.find(({ role, lagBytes }) => role === 'standby' && lagBytes !== null)
  if (!standby || standby.lagBytes === null) return null
  if (standby.lagBytes === 0) return 'in step'
  const time = standby.lagMs === null ? '' : `${formatMs(standby.lagMs)}, `
  return `${time}${formatBytes(standby.lagBytes)} behind`
}

function serviceTile(kind: 'service' | 'secondary', { name, health, mode, units }: ServiceView): Tile {
  const size = mode === 'shared' ? 'shared' : `reserved ${units}`
  return { kind, name, text: `${health.state}, ${size}`, tone: toneOf(health.state) }
}

function externalTile({ name, external }: ServerView): Tile {
  return { kind: 'primary', name, text: `somebody else’s${external?.at ? `, at ${external.at}` : ''}`, tone: 'quiet' }
}

function memberTile(name: string, member: ServerView['members'][number]): Tile {
  const { role, state, standing, lease, problem } = member
  if (role === 'quarantined')
    return { kind: 'quarantined', name, text: 'kept apart since a promotion', tone: 'warning' }
  const isRunning = state === 'running' && problem === null
  if (role === 'primary') {
    // What a silent machine said last of its lease is no news.
    return {
      kind: 'primary',
      name,
      text: isRunning ? `running, lease ${lease}` : state,
      tone: isRunning ? 'good' : 'bad',
    }
  }
  const isReady = standing === 'ready' && isRunning
  return { kind: 'standby', name, text: standing ?? state, tone: isReady ? 'good' : 'warning' }
}

function toneOf(state: string): Tone {
  if (state === 'Ready') return 'good'
  if (state === 'Unhealthy') return 'bad'
  return state === 'Degraded' ? 'warning' : state === 'Recovering' ? 'moving' : 'quiet'
}
