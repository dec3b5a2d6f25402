// The steps of a planned move of a server's primary to its standby: requests are held at the gateways, the old side is
// stopped cleanly, the two change roles, and the requests go on. Until the roles are changed all can be put back.
import type { Kysely } from 'kysely'
import type { ControlDatabase } from '../contract/control-schema.ts'
import type { HostFacts, ServerFacts } from '../contract/facts.ts'
import { isServed, meets, type Served } from '../contract/host-condition.ts'
import { lsnDistance } from '../databases/replication.ts'
import { getServer, primaryOf, standbyOf, swapMembers } from '../databases/servers.ts'
import { isFollowing } from '../databases/standing.ts'
import { Fault } from '../kit/fault.ts'
import { faultPoint } from '../kit/fault-points.ts'
import { SWITCH_LAG_BYTES_MAX, SWITCH_STOP_MS_MAX } from '../kit/limits.ts'
import { noteFacts, type Operation, serviceIdOf, subjectOf } from '../operations/operations.ts'
import { notYet, type StepContext, type StepResult } from '../operations/runner.ts'
import { runtimeOf } from '../regions/field.ts'
import { bumpDesired } from '../regions/regions.ts'
import { listServices, type Service, updateHeld } from '../services/services.ts'
import type { RecoveryDeps } from './recover-facts.ts'

/** The move of a server: between which machines. */
export type ServerMove = { server: string; from: string; to: string }

/** Part of what a move is asked for: for how long requests may wait until its roles must change. */
export type Patience = { stopMsMax?: number }

/** What the steps tell each other; part of the operation's row. */
export type SwitchFacts = {
  /** When requests began to be held, by control's wall clock; the one who takes over counts on. */
  heldAt?: number
  stopVersion?: number
  isSwapped?: boolean
  /** The version of all that is wanted that says so. */
  swapVersion?: number
  /** When requests went on. */
  openedAt?: number
}

type Db = Kysely<ControlDatabase>

const LOOK_AGAIN_MS = 10

/** Everything is as it must be, and as little as possible is left to do while requests wait. */
export async function prepareMove({ db, field }: RecoveryDeps, move: ServerMove): Promise<StepResult> {
  const server = await getServer(db, move.server)
  const standing = standbyOf(server)?.standing
  if (standbyOf(server)?.machine !== move.to || standing !== 'ready') {
    return wait(`the standby on ${move.to} to be ready (${standing ?? 'gone'})`)
  }
  // What is in memory is written now: the checkpoint at the stop has little left to write.
  await field.checkpoint(move.from, move.server)
  const primary = await factsOn(field, move.from, move.server)
  const standby = await factsOn(field, move.to, move.server)
  const lag = primary?.standby?.lagBytes ?? Number.POSITIVE_INFINITY
  if (!isFollowing(primary, standby) || lag > SWITCH_LAG_BYTES_MAX) return wait(`the standby on ${move.to} to catch up`)
  return { kind: 'done', detail: `the standby on ${move.to} is ${lag} bytes behind` }
}

/** What is held: which services, and how that is written down and taken back. */
export type Hold = {
  services: () => Promise<string[]>
  begin: (trx: Db) => Promise<void>
  /** True when there was something to take back. */
  end: (trx: Db) => Promise<boolean>
}

/** The hold of all services on a server that moves. */
export function holdOfServer(db: Db, move: ServerMove): Hold {
  return {
    services: async () => (await servicesOn(db, move.server)).map(({ name }) => name),
    begin: async (trx) => {
      await trx.updateTable('servers').set({ switching_to: move.to }).where('name', '=', move.server).execute()
    },
    end: async (trx) => {
      const ended = trx.updateTable('servers').set({ switching_to: null, is_stopping: false })
      const mine = ended.where('name', '=', move.server).where('switching_to', '=', move.to)
      return (await mine.executeTakeFirst()).numUpdatedRows > 0n
    },
  }
}

/** The hold of one service, for the operation that holds it. */
export function holdOfService(operation: Operation): Hold {
  return {
    services: async () => [subjectOf(operation)],
    begin: async (trx) => await updateHeld(trx, operation, { is_held: true }),
    end: async (trx) => {
      const ended = trx.updateTable('services').set({ is_held: false }).where('id', '=', serviceIdOf(operation))
      return (await ended.where('is_held', '=', true).executeTakeFirst()).numUpdatedRows > 0n
    },
  }
}

/** Every gateway holds new requests, and none has any under way. */
export async function holdRequests(deps: RecoveryDeps, context: StepContext, hold: Hold): Promise<StepResult> {
  const { db, field } = deps
  const facts = context.facts as SwitchFacts
  if (facts.heldAt === undefined) {
    const heldAt = Date.now()
    await db.transaction().execute(async (trx) => {
      await hold.begin(trx)
      await noteFacts(trx, context.operation.id, { ...facts, heldAt })
      await bumpDesired(trx)
    })
    facts.heldAt = heldAt
    faultPoint('switchover.hold.held')
  }
  requireInTime(context)
  const { unreached } = await field.push()
  const { live } = await field.gateways()
  const silent = live.filter((gateway) => unreached.includes(gateway))
  if (silent.length > 0) return wait(`${silent.join(', ')} to hold requests`)
  const underWay = await field.countUnderWay(await hold.services())
  return underWay === 0 ? { kind: 'done', detail: `${live.length} gateway(s)` } : wait(`${underWay} request(s) to end`)
}

/** The old primary is stopped cleanly, its standby has all of it, and they change roles: the point of no return. */
export async function changeRoles(
  deps: RecoveryDeps,
  context: StepContext,
  move: ServerMove,
  also: (trx: Db) => Promise<void> = async () => {},
): Promise<StepResult> {
  const { db, field } = deps
  const facts = context.facts as SwitchFacts
  if (facts.isSwapped === true) return { kind: 'done' }
  requireInTime(context)
  facts.stopVersion ??= await db.transaction().execute(async (trx) => {
    const stopping = trx.updateTable('servers').set({ is_stopping: true })
    await stopping.where('name', '=', move.server).where('switching_to', '=', move.to).execute()
    return await bumpDesired(trx)
  })
  await field.push()
  const isStopped = { server: { name: move.server, state: 'stopped' as const } }
  const old = serverIn(await field.awaitHost(move.from, isStopped), move.server)
  if (old?.state !== 'stopped') return wait(old?.problem ?? `${move.from} to stop ${move.server}`)
  const end = old.shutdownLsn ?? null
  if (end === null) {
    throw new Fault('switchover.unclean_stop', 500, `${move.server} on ${move.from} did not stop cleanly`)
  }
  const next = await factsOn(field, move.to, move.server)
  const isWhole = next?.lsn != null && lsnDistance(next.lsn, end) >= 0
  if (!isWhole) return wait(`the standby on ${move.to} to have all of it (${next?.lsn ?? 'unknown'} of ${end})`)
  requireInTime(context)
  await decideSwitch(db, context, async (trx) => {
    await swapMembers(trx, { ...move, shutdownLsn: end })
    await also(trx)
  })
  return { kind: 'done', detail: `at ${end}` }
}

/** Makes the decision that cannot be taken back, and notes it with the operation in the same transaction. */
export async function decideSwitch(db: Db, context: StepContext, decide: (trx: Db) => Promise<void>): Promise<void> {
  const facts = context.facts as SwitchFacts
  const swapVersion = await db.transaction().execute(async (trx) => {
    await decide(trx)
    const version = await bumpDesired(trx)
    await noteFacts(trx, context.operation.id, { ...facts, isSwapped: true, swapVersion: version })
    return version
  })
  Object.assign(facts, { isSwapped: true, swapVersion })
  faultPoint('switchover.swap.decided')
}

/** The server's primary is open, with all that was decided, and every service on it is served under its epoch. */
export async function openPrimary(
  { db, field }: RecoveryDeps,
  context: StepContext,
  name: string,
): Promise<StepResult> {
  const { swapVersion = 0 } = context.facts as SwitchFacts
  await field.push()
  const server = await getServer(db, name)
  const { machine } = primaryOf(server)
  const open = { name, state: 'running', role: 'primary', epoch: Number(server.epoch), version: swapVersion } as const
  const facts = await field.awaitHost(machine, { server: open })
  if (!meets(facts, { server: open })) {
    const found = serverIn(facts, name)
    return wait(found?.problem ?? `${machine} to open ${name} (${found?.state ?? 'not there'})`)
  }
  // One whose home is lost is nobody's to wait for.
  const services = (await servicesOn(db, name)).filter((one) => one.state === 'ready' && field.isReachable(one.machine))
  for (const home of new Set(services.map((service) => service.machine))) {
    const served = services.filter((service) => service.machine === home).map(servedAsIs)
    const found = await field.awaitHost(home, { served })
    const missing = served.find((one) => !isServed(found, one))
    if (missing) return wait(`'${missing.service}' on ${home}`)
  }
  return { kind: 'done', detail: `on ${machine} under epoch ${server.epoch}` }
}

/** Requests go on, by the new routes. */
export async function releaseRequests(
  { db, field }: RecoveryDeps,
  context: StepContext,
  hold: Hold,
): Promise<StepResult> {
  const facts = context.facts as SwitchFacts
  await db.transaction().execute(async (trx) => {
    if (await hold.end(trx)) await bumpDesired(trx)
  })
  const { unreached } = await field.push()
  facts.openedAt ??= Date.now()
  const { live, late } = await field.gateways()
  const silent = live.filter((gateway) => unreached.includes(gateway))
  if (silent.length > 0) return wait(`${silent.join(', ')} to take the routes`)
  const held = facts.heldAt === undefined ? '' : `requests were held for ${facts.openedAt - facts.heldAt} ms`
  return { kind: 'done', detail: late.length > 0 ? `${held}; ${late.join(', ')} will learn the routes` : held }
}

/** Faults with `switchover.too_slow`: requests wait, and what takes too long is given up while it can be. */
export function requireInTime({ facts, operation }: StepContext): void {
  const { heldAt = 0 } = facts as SwitchFacts
  const { stopMsMax = SWITCH_STOP_MS_MAX } = operation.input as Patience
  if (Date.now() - heldAt <= stopMsMax) return
  throw new Fault('switchover.too_slow', 503, 'requests would have had to wait for too long, so all was put back', {
    hint: 'Try again when there is less to do; see what held it up: mainstay operation list',
  })
}

async function servicesOn(db: Db, server: string): Promise<Service[]> {
  return (await listServices(db, null)).filter((service) => service.server === server)
}

async function factsOn(field: RecoveryDeps['field'], machine: string, server: string): Promise<ServerFacts | null> {
  return serverIn(await field.askHost(machine), server)
}

function serverIn({ servers }: HostFacts, server: string): ServerFacts | null {
  return servers.find(({ name }) => name === server) ?? null
}

// Under its epoch; whatever else is wanted of its runtime is for later.
function servedAsIs(service: Service): Served {
  return { runtime: runtimeOf(service), service: service.name, epoch: Number(service.epoch), version: 0 }
}

/** Not yet; looked at again at once, since requests wait. */
export function wait(reason: string): StepResult {
  return notYet(reason, LOOK_AGAIN_MS)
}
