// Where a new service goes: a host of its region; and its data: a server of its own, one that was named, or the region's.
import type { Kysely } from 'kysely'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { isDefaultOf, listServers, lockIdleServer, primaryOf, type ServerWithMembers } from '../databases/servers.ts'
import { Fault } from '../kit/fault.ts'
import type { Field } from '../regions/field.ts'
import { requireReachable } from '../regions/hosts.ts'
import { findRoom, type Size } from '../regions/ledger.ts'
import { listMachines, type Region } from '../regions/regions.ts'
import { roomOf } from '../regions/room.ts'
import { listHoldings } from './services.ts'

type Db = Kysely<ControlDatabase>

/** Where a service's data is to be. `own`: on a server that is made for it. */
export type ServerWish = { kind: 'default' } | { kind: 'named'; name: string } | { kind: 'own' }

const NEW_SERVER = 'new'

/** What is asked for, in so many words or by the size: who has workers of its own has a server of its own. */
export function wishFor(asked: string | undefined, size: Size, isSecondary: boolean): ServerWish {
  if (asked === NEW_SERVER) return { kind: 'own' }
  if (asked !== undefined) return { kind: 'named', name: asked }
  // A secondary is capacity: it has no data of its own to speak of.
  return size.mode === 'reserved' && !isSecondary ? { kind: 'own' } : { kind: 'default' }
}

/** Finds a host, with the region's row locked. Faults with `region.unreachable` or `capacity.exceeded`. */
export async function findHost(trx: Db, field: Field, region: Region, size: Size): Promise<string> {
  const room = roomOf(region, await listMachines(trx), field)
  if (room.offer.hosts.size === 0) {
    throw new Fault('region.unreachable', 503, `no host in ${region.name} can be reached`, {
      hint: 'Choose another region with --location, or see: mainstay status',
    })
  }
  return findRoom(room, await listHoldings(trx), size)
}

/** The region's default server, open. Faults with `region.no_database`. */
export async function findDefaultServer(trx: Db, field: Field, region: Region): Promise<string> {
  const domains = new Map((await listMachines(trx)).map((machine) => [machine.name, machine.domain]))
  const isOpen = (server: ServerWithMembers) => {
    const { machine } = primaryOf(server)
    return domains.get(machine) === region.name && field.isReachable(machine)
  }
  const server = (await listServers(trx)).find((entry) => isDefaultOf(region.slug, entry) && isOpen(entry))
  if (server) return server.name
  throw new Fault('region.no_database', 503, `${region.name} has no database server that is open`, {
    hint: 'One is being made or started; try again in a moment, or see: mainstay sql server list',
  })
}

/** A server that was named, in no operation. Faults with `server.unknown`, `server.busy` or `region.unreachable`. */
export async function findNamedServer(trx: Db, field: Field, name: string): Promise<string> {
  const server = await lockIdleServer(trx, name)
  requireReachable(field, primaryOf(server).machine, `the primary of ${name}`)
  return server.name
}

/** A place in words. */
export function placeText(place: { machine: string; server: string; isServerNew?: boolean }): string {
  return `on ${place.machine}, its data on ${place.server}${place.isServerNew ? ', which is made for it' : ''}`
}
