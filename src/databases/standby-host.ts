// Where a server's standby goes: another region than its primary's, on the host there that carries the fewest servers.
import { primaryOf, type ServerWithMembers } from './servers.ts'

type Host = { name: string; domain: string }

/** The host, or null when no host of another region reports. Hosts that are members already are left out. */
export function chooseStandbyHost(
  server: ServerWithMembers,
  facts: { hosts: Host[]; reporting: Host[]; servers: ServerWithMembers[] },
): string | null {
  const home = facts.hosts.find(({ name }) => name === primaryOf(server).machine)
  if (!home) return null
  const taken = new Set(server.members.map((member) => member.machine))
  const load = (name: string) =>
    facts.servers.flatMap(({ members }) => members).filter((member) => member.machine === name).length
  const [best] = facts.reporting
    .filter(({ name, domain }) => domain !== home.domain && !taken.has(name))
    .map(({ name }) => ({ name, load: load(name) }))
    .sort((left, right) => left.load - right.load || left.name.localeCompare(right.name))
  return best?.name ?? null
}
