// What machines say to control through its door: joining, heartbeats, and the question whether a standby is released.
import type { FastifyInstance } from 'fastify'
import type { Kysely } from 'kysely'
import { type Accounts, revokedFault } from '../accounts/accounts.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import type {
  GatewayFacts,
  GatewayHeartbeatAnswer,
  HostFacts,
  HostHeartbeatAnswer,
  MachineFacts,
  ReleaseAnswer,
  ReleaseRequest,
} from '../contract/facts.ts'
import type { JoinAnswer, JoinRequest, RenewAnswer, RenewRequest } from '../contract/join.ts'
import type { NpmModulesAnswer, NpmModulesPart } from '../contract/npm-modules.ts'
import {
  MACHINE_DASHBOARD_PATH,
  MACHINE_NPM_MODULES_PATH,
  MACHINE_SCRIPTS_PATH,
  MACHINE_USAGE_PATH,
  PROTOCOL_VERSION,
  PROTOCOL_VERSION_MIN,
  PROTOCOL_VERSION_UNNAMED,
  versionProblem,
} from '../contract/protocols.ts'
import type { DashboardAnswer } from '../contract/status-page.ts'
import type { UsageReport } from '../contract/usage.ts'
import { listServers, releaseStandby, standbyOf } from '../databases/servers.ts'
import { noteUsage } from '../history/usage.ts'
import type { Peer } from '../kit/door.ts'
import { peerOfRequest } from '../kit/door-http.ts'
import { Fault } from '../kit/fault.ts'
import type { Log } from '../kit/log.ts'
import type { FactBoard } from '../regions/fact-board.ts'
import { bumpDesired, findMachine, listMachines, type MachineNews, noteMachine } from '../regions/regions.ts'
import { describeModules, readModulesPart } from '../services/npm-modules.ts'
import { getText } from '../services/scripts.ts'
import type { Lineage } from './lineage.ts'
import type { MachineField } from './machine-field.ts'
import type { ServiceDashboard } from './service-dashboard.ts'
import { readSnapshot } from './snapshot.ts'

export type MachineRouteDeps = {
  db: Kysely<ControlDatabase>
  accounts: Accounts
  board: FactBoard
  field: MachineField
  lineage: Lineage
  log: Log
  dashboard: ServiceDashboard
  /** Called when something changed that other machines must be told. */
  onChange: () => void
}

/** Adds the routes. Who may call what is decided by the certificate's role and name, and by the machine's row. */
export function addMachineRoutes(app: FastifyInstance, deps: MachineRouteDeps): void {
  const versions = new Versions(deps.log)
  app.addHook('onRequest', async (request, reply) => {
    const peer = peerOfRequest(request.raw.socket)
    // Whoever joins has no certificate, or one that does not count.
    if (request.routeOptions.url === '/join') return
    try {
      await requireOurs(deps, peer)
    } catch (error) {
      // It is told why, and its connection is ended with that.
      reply.header('connection', 'close')
      throw error
    }
  })
  app.post<{ Body: JoinRequest }>('/join', async (request): Promise<JoinAnswer> => {
    // Before the token is used up.
    const { role, domain, machine, protocol } = request.body
    versions.require(protocol ?? PROTOCOL_VERSION_UNNAMED, machine ?? `this ${role} of ${domain}`)
    return await deps.accounts.join(request.body)
  })
  app.post<{ Body: RenewRequest }>('/machine/renew', async (request): Promise<RenewAnswer> => {
    return await deps.accounts.renew(peerOfRequest(request.raw.socket), request.body.publicKey)
  })
  app.post<{ Body: HostFacts }>('/machine/heartbeat', async (request): Promise<HostHeartbeatAnswer> => {
    const facts = request.body
    requireSelf(peerOfRequest(request.raw.socket), 'host', facts)
    versions.require(facts.protocol, facts.machine)
    await noteNews(deps, facts, undefined)
    deps.board.noteHost(facts)
    const assignment = await newerAssignment(deps, facts)
    return { assignment: assignment && 'servers' in assignment ? assignment : null }
  })
  app.post<{ Body: GatewayFacts }>('/machine/gateway-heartbeat', async (request): Promise<GatewayHeartbeatAnswer> => {
    const facts = request.body
    requireSelf(peerOfRequest(request.raw.socket), 'gateway', facts)
    versions.require(facts.protocol, facts.machine)
    await noteNews(deps, facts, facts.publicUrl)
    deps.board.noteGateway(facts)
    const assignment = await newerAssignment(deps, facts)
    return { assignment: assignment && 'routes' in assignment ? assignment : null }
  })
  app.get<{ Params: { hash: string } }>(`${MACHINE_SCRIPTS_PATH}:hash`, async (request) => {
    requireHost(peerOfRequest(request.raw.socket))
    return { text: await getText(deps.db, request.params.hash) }
  })
  const modules = `${MACHINE_NPM_MODULES_PATH}:hash`
  app.get<{ Params: { hash: string } }>(modules, async (request): Promise<NpmModulesAnswer> => {
    requireHost(peerOfRequest(request.raw.socket))
    return await describeModules(deps.db, request.params.hash)
  })
  const part = `${modules}/:part`
  app.get<{ Params: { hash: string; part: string } }>(part, async (request): Promise<NpmModulesPart> => {
    requireHost(peerOfRequest(request.raw.socket))
    const { hash, part: number } = request.params
    return { content: (await readModulesPart(deps.db, hash, Number(number))).toString('base64') }
  })
  app.get(MACHINE_DASHBOARD_PATH, async (): Promise<DashboardAnswer> => {
    const found = await deps.dashboard.read()
    return { copy: found?.copy ?? null, ageMs: found?.ageMs ?? 0 }
  })
  app.post<{ Body: UsageReport }>(MACHINE_USAGE_PATH, async (request) => {
    requireSelf(peerOfRequest(request.raw.socket), 'gateway', request.body)
    await noteUsage(deps.db, request.body, Date.now())
    return {}
  })
  app.post<{ Body: ReleaseRequest }>('/machine/release', async (request): Promise<ReleaseAnswer> => {
    const peer = peerOfRequest(request.raw.socket)
    if (peer.role !== 'host') throw new Fault('orders.not_host', 403, `a ${peer.role} has no standby to release`)
    if (!(await deps.lineage.mayRelease(await standbyMachine(deps, request.body.server)))) {
      return { isReleased: false, reason: 'this control was restored and has not heard the host of the standby since' }
    }
    const answer = await releaseStandby(deps.db, peer.name, request.body)
    if (answer.isReleased) deps.onChange()
    return answer
  })
}

/** Which protocol versions control takes; each machine that is refused is named in the log once. */
class Versions {
  readonly #log: Log
  readonly #told = new Map<string, number>()

  constructor(log: Log) {
    this.#log = log
  }

  require(version: number, machine: string): void {
    const problem = versionProblem(version)
    if (problem === null) return
    const message = `${machine} speaks protocol ${version}, control speaks ${PROTOCOL_VERSION_MIN} to ${PROTOCOL_VERSION}`
    if (this.#told.get(machine) !== version) this.#log.error({ machine, version }, message)
    this.#told.set(machine, version)
    const hint =
      problem === 'too_new' ? 'Upgrade control first, then the other machines.' : 'Upgrade Mainstay on that machine.'
    throw new Fault('orders.other_version', 409, message, { hint })
  }
}

async function standbyMachine(deps: MachineRouteDeps, name: string): Promise<string | null> {
  const server = (await listServers(deps.db)).find((entry) => entry.name === name)
  return (server && standbyOf(server)?.machine) ?? null
}

// A certificate outlives a revocation: the row decides.
async function requireOurs(deps: MachineRouteDeps, peer: Peer): Promise<void> {
  const machine = await findMachine(deps.db, peer.name)
  if (!machine || machine.role !== peer.role) {
    // After a restore it may be one that joined after the archive was made.
    if (!machine) await deps.lineage.noteStranger(peer.name)
    throw new Fault('machine.unknown', 403, `no ${peer.role} ${peer.name} has joined here`)
  }
  if (machine.revoked_at !== null) throw revokedFault(peer.name)
}

function requireHost(peer: Peer): void {
  if (peer.role !== 'host') throw new Fault('orders.not_host', 403, `a ${peer.role} runs no scripts`)
}

function requireSelf(peer: Peer, role: string, facts: { machine: string }): void {
  if (peer.role === role && peer.name === facts.machine) return
  throw new Fault('orders.not_self', 403, `${peer.role} ${peer.name} cannot speak for ${facts.machine}`)
}

async function noteNews(deps: MachineRouteDeps, facts: MachineFacts, publicUrl: string | undefined): Promise<void> {
  const { address, port, protocol } = facts
  const news: MachineNews = { address, port, publicUrl: publicUrl ?? null, protocol, release: facts.release ?? null }
  const { isMoved } = await noteMachine(deps.db, facts.machine, news)
  if (!isMoved) return
  await deps.db.transaction().execute(bumpDesired)
  deps.onChange()
}

async function newerAssignment(deps: MachineRouteDeps, facts: HostFacts | GatewayFacts) {
  const version = await deps.lineage.note(facts)
  if (deps.lineage.heldBy() !== null || version <= facts.version) return null
  const machine = (await listMachines(deps.db)).find((entry) => entry.name === facts.machine)
  return machine ? deps.field.assignmentFor(await readSnapshot(deps.db), machine) : null
}
