// Where a new service goes: a host of its region and the region's default server.
import type { Kysely } from 'kysely'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { isDefaultOf, listServers, type Member, primaryOf } from '../databases/servers.ts'
import { Fault } from '../kit/fault.ts'
import type { Field } from '../regions/field.ts'
import { findRoom, type Size } from '../regions/ledger.ts'
import { listMachines, type Region } from '../regions/regions.ts'
import { roomOf } from '../regions/room.ts'
import { listHoldings } from './services.ts'

export type ServicePlace = { machine: string; server: string }

/**
 * Finds a place for a new service of this size, with the region's row locked. Faults with `region.unreachable`,
 * `region.no_database` or `capacity.exceeded`.
 */
export async function findPlace(
  trx: Kysely<ControlDatabase>,
  field: Field,
  region: Region,
  size: Size,
): Promise<ServicePlace> {
  const machines = await listMachines(trx)
  const room = roomOf(region, machines, field)
  if (room.offer.hosts.size === 0) {
    throw new Fault('region.unreachable', 503, `no host in ${region.name} can be reached`, {
      hint: 'Choose another region with --location, or see: mainstay status',
    })
  }
  const domains = new Map(machines.map((machine) => [machine.name, machine.domain]))
  const servers = await listServers(trx)
  const isOpen = ({ machine }: Member) => domains.get(machine) === region.name && field.isReachable(machine)
  const server = servers.find((entry) => isDefaultOf(region.slug, entry) && isOpen(primaryOf(entry)))
  if (!server) {
    throw new Fault('region.no_database', 503, `${region.name} has no database server that is open`, {
      hint: 'One is being made or started; try again in a moment, or see: mainstay sql server list',
    })
  }
  return { machine: findRoom(room, await listHoldings(trx), size), server: server.name }
}

/** A place in words. */
export function placeText({ machine, server }: ServicePlace): string {
  return `on ${machine}, its data on ${server}`
}

/** Faults with `region.unreachable` when what must be done on a machine cannot be done now. */
export function requireReachable(field: Field, machine: string, what: string): void {
  if (field.isReachable(machine)) return
  throw new Fault('region.unreachable', 503, `${what} is on ${machine}, which cannot be reached`, {
    hint: 'See what is lost and what to do: mainstay status',
  })
}
