// The hosts of the cloud, and those of them that can be reached now.
import type { Kysely } from 'kysely'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { Fault } from '../kit/fault.ts'
import type { Field } from './field.ts'
import { listMachines, type Machine } from './regions.ts'

/** Hosts that are ours, and those of them that can be reached. */
export type Hosts = { hosts: Machine[]; reporting: Machine[] }

/** All of them, as of now. */
export async function listHosts(db: Kysely<ControlDatabase>, field: Pick<Field, 'isReachable'>): Promise<Hosts> {
  return hostsAmong(await listMachines(db), field)
}

/** Those among all machines. */
export function hostsAmong(machines: Machine[], field: Pick<Field, 'isReachable'>): Hosts {
  const hosts = machines.filter(({ role, revoked_at }) => role === 'host' && revoked_at === null)
  return { hosts, reporting: hosts.filter(({ name }) => field.isReachable(name)) }
}

/** Faults with `region.unreachable` when what must be done on a machine cannot be done now. */
export function requireReachable(field: Pick<Field, 'isReachable'>, machine: string, what: string): void {
  if (field.isReachable(machine)) return
  throw new Fault('region.unreachable', 503, `${what} is on ${machine}, which cannot be reached`, {
    hint: 'See what is lost and what to do: mainstay status',
  })
}
