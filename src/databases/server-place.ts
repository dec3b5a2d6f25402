// Where a server is, and where its primary and its standby go.
import { primaryOf, type ServerWithMembers } from './servers.ts'

/** Names of regions: of each machine by its name, of each region by its slug. */
export type RegionNames = { domains: ReadonlyMap<string, string>; regions: ReadonlyMap<string, string> }

/** The region of a server's primary, by name; an external one is where its owner says, whoever looks after it. */
export function regionNameOf(server: ServerWithMembers, { domains, regions }: RegionNames): string {
  const name = server.kind === 'external' ? regions.get(server.home_region) : domains.get(primaryOf(server).machine)
  return name ?? ''
}

type Host = { name: string; domain: string }

/** What there is to choose from. `servers`: all, for what each host carries. */
export type PlaceFacts = { hosts: Host[]; reporting: Host[]; servers: ServerWithMembers[] }

/** The host of the region that carries the fewest servers, or null when none of it reports. */
export function choosePrimaryHost(region: string, facts: Omit<PlaceFacts, 'hosts'>): string | null {
  return leastLoaded(
    facts.reporting.filter(({ domain }) => domain === region),
    facts.servers,
  )
}

/**
 * The host for a standby, or null when no host of another region reports. Hosts that hold a copy already are left out,
 * and so are `excluded` ones. `region`: only there.
 */
export function chooseStandbyHost(
  server: ServerWithMembers,
  facts: PlaceFacts & { excluded?: string[]; region?: string | null },
): string | null {
  const home = facts.hosts.find(({ name }) => name === primaryOf(server).machine)
  if (!home) return null
  const taken = new Set([...server.members.map((member) => member.machine), ...(facts.excluded ?? [])])
  const free = facts.reporting.filter(({ name, domain }) => domain !== home.domain && !taken.has(name))
  const { region } = facts
  return leastLoaded(region ? free.filter(({ domain }) => domain === region) : free, facts.servers)
}

function leastLoaded(hosts: Host[], servers: ServerWithMembers[]): string | null {
  const members = servers.flatMap((server) => server.members)
  const load = (name: string) => members.filter((member) => member.machine === name).length
  const [best] = hosts
    .map(({ name }) => ({ name, load: load(name) }))
    .sort((left, right) => left.load - right.load || left.name.localeCompare(right.name))
  return best?.name ?? null
}
