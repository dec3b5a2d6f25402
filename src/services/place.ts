// Where a new service goes: a host of its region and the region's default server.
import type { Kysely } from 'kysely'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { listServers, primaryOf } from '../databases/servers.ts'
import { Fault } from '../kit/fault.ts'
import type { Field } from '../regions/field.ts'
import { listMachines, type Machine, type Region } from '../regions/regions.ts'

export type Place = { machine: string; server: string }

/** Finds a place, or faults with `region.unreachable` or `region.no_database`. */
export async function findPlace(db: Kysely<ControlDatabase>, field: Field, region: Region): Promise<Place> {
  const machines = await listMachines(db)
  const isLocal = (machine: Machine) => machine.role === 'host' && machine.domain === region.name
  const hosts = machines.filter((machine) => isLocal(machine) && machine.revoked_at === null)
  const host = hosts.find((machine) => field.isReachable(machine.name))
  if (!host) {
    throw new Fault('region.unreachable', 503, `no host in ${region.name} can be reached`, {
      hint: 'Choose another region with --location, or see: mainstay status',
    })
  }
  const local = new Set(hosts.map((machine) => machine.name))
  const servers = await listServers(db)
  const server = servers.find((entry) => entry.is_default && local.has(primaryOf(entry).machine))
  if (!server || !field.isReachable(primaryOf(server).machine)) {
    throw new Fault('region.no_database', 503, `${region.name} has no database server that is open`, {
      hint: 'One is being made or started; try again in a moment, or see: mainstay sql server list',
    })
  }
  return { machine: host.name, server: server.name }
}

/** Faults with `region.unreachable` when what must be done on a machine cannot be done now. */
export function requireReachable(field: Field, machine: string, what: string): void {
  if (field.isReachable(machine)) return
  throw new Fault('region.unreachable', 503, `${what} is on ${machine}, which cannot be reached`, {
    hint: 'See what is lost and what to do: mainstay status',
  })
}
