// After a restore: machines that hold a newer truth than the archive are believed. A server that was promoted after the
// archive was taken is where its new primary says; a service that was moved is where it is served under a newer epoch.
import type { HostFacts } from '../contract/facts.ts'
import { listServers, primaryOf, type ServerWithMembers, standbyOf } from '../databases/servers.ts'
import { bumpDesired, listMachines, nextEpoch } from '../regions/regions.ts'
import { listServices, type Service } from '../services/services.ts'
import type { Db } from './database.ts'

// Nobody takes that many between an archive and a loss; another restored control has been at work.
const EPOCHS_EXPLAINED_MAX = 500

export type ServerAdoption = { server: string; machine: string; epoch: number; forkLsn: string | null }
export type LeaseAdoption = { server: string; term: number; isReleased: boolean }
export type HomeAdoption = { service: string; machine: string; region: string }

/** Servers whose primary is elsewhere than in the rows, or under a newer epoch. */
export function decideServers(servers: ServerWithMembers[], hosts: HostFacts[]): ServerAdoption[] {
  return servers.flatMap((server): ServerAdoption[] => {
    const claims = hosts
      .flatMap((host) => host.servers.map((facts) => ({ machine: host.machine, facts })))
      .filter(
        ({ facts }) => facts.name === server.name && facts.role === 'primary' && facts.epoch > Number(server.epoch),
      )
      .sort((left, right) => right.facts.epoch - left.facts.epoch)
    const [newest] = claims
    if (!newest) return []
    const { epoch, forkLsn } = newest.facts
    return [{ server: server.name, machine: newest.machine, epoch, forkLsn }]
  })
}

/**
 * Leases as the primaries' hosts have them. A standby that the rows call promotable, and whose primary goes on without
 * proof, was released after the archive: to promote it would make two primaries.
 */
export function decideLeases(servers: ServerWithMembers[], hosts: HostFacts[]): LeaseAdoption[] {
  return servers.flatMap((server): LeaseAdoption[] => {
    const standby = standbyOf(server)
    const host = hosts.find(({ machine }) => machine === primaryOf(server).machine)
    const facts = host?.servers.find(({ name }) => name === server.name)
    if (!standby || facts?.role !== 'primary' || facts.epoch !== Number(server.epoch)) return []
    const isPromised = standby.standing === 'arming' || standby.standing === 'ready'
    const isReleased = isPromised && facts.lease.kind === 'free'
    if (!isReleased && facts.lease.term <= standby.lease_term) return []
    return [{ server: server.name, term: Math.max(standby.lease_term, facts.lease.term), isReleased }]
  })
}

/** Services that another host serves under a newer epoch. One in an operation is left to that operation. */
export function decideHomes(
  services: Pick<Service, 'id' | 'name' | 'machine' | 'epoch' | 'operation_id'>[],
  hosts: HostFacts[],
): HomeAdoption[] {
  return services.flatMap((service): HomeAdoption[] => {
    if (service.operation_id !== null) return []
    const claims = hosts
      .flatMap((host) => host.runtimes.flatMap(({ services: served }) => served.map((one) => ({ host, ...one }))))
      .filter(({ name, epoch }) => name === service.name && epoch > Number(service.epoch))
      .sort((left, right) => right.epoch - left.epoch)
    const [newest] = claims
    if (!newest || newest.host.machine === service.machine) return []
    return [{ service: service.id, machine: newest.host.machine, region: newest.host.region }]
  })
}

/**
 * Whether every epoch that was taken after the archive is one of something that the machines show. A gap may be a
 * promotion on a machine that is silent; then what that machine may hold is not decided over its head.
 */
export function isHistoryExplained(lastEpoch: number, highest: number, hosts: HostFacts[]): boolean {
  if (highest - lastEpoch > EPOCHS_EXPLAINED_MAX) return false
  const shown = new Set(
    hosts.flatMap(({ servers, runtimes }) => {
      const services = runtimes.flatMap((runtime) => runtime.services)
      const schemas = servers.flatMap((server) => server.schemas)
      return [...servers, ...schemas, ...services].map(({ epoch }) => epoch)
    }),
  )
  for (let epoch = lastEpoch + 1; epoch <= highest; epoch += 1) if (!shown.has(epoch)) return false
  return true
}

/** Brings the rows to what the machines hold, in the caller's transaction. Returns what was changed, for the log. */
export async function adoptWhatMachinesHold(trx: Db, hosts: HostFacts[]): Promise<string[]> {
  const known = new Set((await listMachines(trx)).map(({ name }) => name))
  const trusted = hosts.filter(({ machine }) => known.has(machine))
  const servers = decideServers(await listServers(trx), trusted)
  const homes = decideHomes(await listServices(trx, null), trusted)
  for (const adoption of servers) await adoptServer(trx, adoption)
  const leases = decideLeases(await listServers(trx), trusted)
  for (const { server, term, isReleased } of leases) {
    await trx
      .updateTable('server_members')
      .set({ lease_term: term, ...(isReleased ? { standing: 'released' as const, is_synchronous: false } : {}) })
      .where('server', '=', server)
      .where('role', '=', 'standby')
      .execute()
  }
  const regions = new Map(
    (await trx.selectFrom('regions').select(['name', 'slug']).execute()).map((row) => [row.name, row.slug]),
  )
  for (const { service, machine, region } of homes) {
    const slug = regions.get(region)
    if (slug === undefined) continue
    const change = { machine, region: slug, epoch: await nextEpoch(trx) }
    await trx.updateTable('services').set(change).where('id', '=', service).execute()
  }
  if (servers.length + homes.length > 0) await bumpDesired(trx)
  return [
    ...servers.map(({ server, machine, epoch }) => `${server} is on ${machine} under epoch ${epoch}`),
    ...leases.filter(({ isReleased }) => isReleased).map(({ server }) => `the standby of ${server} was released`),
    ...homes.map(({ service, machine }) => `service ${service} is on ${machine}`),
  ]
}

async function adoptServer(trx: Db, { server, machine, epoch, forkLsn }: ServerAdoption): Promise<void> {
  const members = () => trx.updateTable('server_members').where('server', '=', server)
  await members()
    .set({ role: 'quarantined', standing: null, fork_lsn: forkLsn })
    .where('role', '=', 'primary')
    .where('machine', '!=', machine)
    .execute()
  const others = trx.deleteFrom('server_members').where('server', '=', server).where('role', '=', 'standby')
  await others.where('machine', '!=', machine).execute()
  const primary = { role: 'primary' as const, standing: null, slot: null, fork_lsn: forkLsn }
  await trx
    .insertInto('server_members')
    .values({ server, machine, ...primary })
    .onConflict((conflict) => conflict.columns(['server', 'machine']).doUpdateSet(primary))
    .execute()
  await trx.updateTable('servers').set({ epoch }).where('name', '=', server).execute()
  const bound = trx.selectFrom('services').select('id').where('server', '=', server).where('ended_at', 'is', null)
  for (const { id } of await bound.execute()) {
    await trx
      .updateTable('services')
      .set({ epoch: await nextEpoch(trx) })
      .where('id', '=', id)
      .execute()
  }
}
