// What the operations about servers share: what they are given, and how they wait for a server to be what it is to be.
import type { Kysely } from 'kysely'
import type { Seal } from '../accounts/seal.ts'
import type { StepProgress } from '../contract/api.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import type { ServerFacts } from '../contract/facts.ts'
import { type Operation, serverOf } from '../operations/operations.ts'
import { notYet, type Step, type StepResult } from '../operations/runner.ts'
import type { Field } from '../regions/field.ts'
import { machinesToDrop, noteDroppedCopies } from './server-drops.ts'
import {
  getServer,
  listServers,
  primaryOf,
  type ServerWithMembers,
  standbyOf,
  updateHeldServer,
  wantsStandby,
} from './servers.ts'
import { supplyStandby } from './standby-supply.ts'

export type ServerDeps = { db: Kysely<ControlDatabase>; seal: Seal; field: Field }

const LOOK_AGAIN_MS = 100

/** Not yet: operations about servers take seconds, and look a few times a second. */
export function stillWaiting(reason: string, progress: StepProgress | null = null): StepResult {
  return notYet(reason, LOOK_AGAIN_MS, progress)
}

/** What the host of a server's primary says of it just now. Faults as `Field.askHost`. */
export async function askPrimary(deps: ServerDeps, server: ServerWithMembers): Promise<ServerFacts | null> {
  const found = await deps.field.askHost(primaryOf(server).machine)
  return found.servers.find(({ name }) => name === server.name) ?? null
}

/** Waits until a server's primary is open. */
export async function untilOpen(deps: ServerDeps, name: string): Promise<StepResult> {
  await deps.field.push()
  const server = await getServer(deps.db, name)
  const facts = await askPrimary(deps, server)
  if (facts?.state === 'running') return { kind: 'done', detail: `on ${primaryOf(server).machine}` }
  return stillWaiting(facts?.problem ?? `${name} to be open (${facts?.state ?? 'not there yet'})`)
}

/**
 * The last step of whatever gives a server a standby (`regionOf`: where, by name; null: anywhere else). The operation
 * lets go of the server first and only watches: a standby that cannot be built must not keep people from changing it.
 */
export function standbyStep(
  deps: Omit<ServerDeps, 'seal'>,
  name: string,
  regionOf: (operation: Operation) => string | null = () => null,
): Step {
  return {
    name,
    isEndless: true,
    passing: ['door.unreachable'],
    async run({ operation }) {
      const server = serverOf(operation)
      await supplyStandby(deps.db, server, { field: deps.field, region: regionOf(operation) })
      await updateHeldServer(deps.db, operation, { operation_id: null })
      return await untilProtected(deps, server)
    },
  }
}

/** Waits until a server's standby may be promoted, if it still is to have one. One whose host is lost is not waited for. */
export async function untilProtected({ db, field }: Omit<ServerDeps, 'seal'>, name: string): Promise<StepResult> {
  await field.push()
  const server = (await listServers(db)).find((entry) => entry.name === name)
  if (!server || !wantsStandby(server)) return { kind: 'done', detail: 'none is asked for' }
  const standby = standbyOf(server)
  if (!standby) {
    return { kind: 'done', detail: 'no host of another region reports: it gets its standby as soon as one does' }
  }
  const isWaitedFor = server.protection !== 'sync' || standby.is_synchronous
  if (standby.standing === 'ready' && isWaitedFor)
    return { kind: 'done', detail: `its standby is on ${standby.machine}` }
  if (!field.isReachable(standby.machine)) {
    return { kind: 'done', detail: `${standby.machine} cannot be reached now, and builds its standby when it can` }
  }
  // Both, since how far the one has come is told by the other.
  await field.askHost(primaryOf(server).machine)
  const copy = (await field.askHost(standby.machine)).servers.find((entry) => entry.name === name)
  return stillWaiting(copy?.problem ?? `its standby on ${standby.machine} (${standby.standing})`)
}

/** Waits until every machine that can be reached has dropped its copy of a server; the others do it later. */
export async function untilDropped({ db, field }: ServerDeps, name: string): Promise<StepResult> {
  await field.push()
  const asked = (await machinesToDrop(db, name)).filter((machine) => field.isReachable(machine))
  const facts = await Promise.all(asked.map(async (machine) => await field.askHost(machine)))
  await noteDroppedCopies(db, { host: (machine) => facts.find((one) => one.machine === machine) ?? null })
  const left = await machinesToDrop(db, name)
  const here = left.filter((machine) => asked.includes(machine))
  if (here.length > 0) return stillWaiting(`${here.join(', ')} to drop ${name}`)
  return left.length === 0 ? { kind: 'done' } : { kind: 'done', detail: `${left.join(', ')} will drop it later` }
}
