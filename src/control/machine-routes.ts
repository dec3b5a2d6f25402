// What machines say to control through its door: joining, heartbeats, and the question whether a standby is released.
import type { FastifyInstance } from 'fastify'
import type { Kysely } from 'kysely'
import type { Accounts } from '../accounts/accounts.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import type {
  GatewayFacts,
  GatewayHeartbeatAnswer,
  HostFacts,
  HostHeartbeatAnswer,
  ReleaseAnswer,
  ReleaseRequest,
} from '../contract/facts.ts'
import type { JoinAnswer, JoinRequest } from '../contract/join.ts'
import { MACHINE_SCRIPTS_PATH, PROTOCOL_VERSION } from '../contract/protocols.ts'
import { listServers, releaseStandby, standbyOf } from '../databases/servers.ts'
import type { Peer } from '../kit/door.ts'
import { peerOfRequest } from '../kit/door-http.ts'
import { Fault } from '../kit/fault.ts'
import type { FactBoard } from '../regions/fact-board.ts'
import { bumpDesired, listMachines, noteAddress } from '../regions/regions.ts'
import { getText } from '../services/scripts.ts'
import type { Lineage } from './lineage.ts'
import type { MachineField } from './machine-field.ts'
import { readSnapshot } from './snapshot.ts'

export type MachineRouteDeps = {
  db: Kysely<ControlDatabase>
  accounts: Accounts
  board: FactBoard
  field: MachineField
  lineage: Lineage
  /** Called when something changed that other machines must be told. */
  onChange: () => void
}

/** Adds the routes. Who may call what is decided by the certificate's role and name. */
export function addMachineRoutes(app: FastifyInstance, deps: MachineRouteDeps): void {
  app.post<{ Body: JoinRequest }>('/join', async (request): Promise<JoinAnswer> => {
    return await deps.accounts.join(request.body)
  })
  app.post<{ Body: HostFacts }>('/machine/heartbeat', async (request): Promise<HostHeartbeatAnswer> => {
    const facts = request.body
    requireSelf(peerOfRequest(request.raw.socket), 'host', facts)
    await noteMoved(deps, facts, undefined)
    deps.board.noteHost(facts)
    const assignment = await newerAssignment(deps, facts)
    return { assignment: assignment && 'servers' in assignment ? assignment : null }
  })
  app.post<{ Body: GatewayFacts }>('/machine/gateway-heartbeat', async (request): Promise<GatewayHeartbeatAnswer> => {
    const facts = request.body
    requireSelf(peerOfRequest(request.raw.socket), 'gateway', facts)
    await noteMoved(deps, facts, facts.publicUrl)
    deps.board.noteGateway(facts)
    const assignment = await newerAssignment(deps, facts)
    return { assignment: assignment && 'routes' in assignment ? assignment : null }
  })
  app.get<{ Params: { hash: string } }>(`${MACHINE_SCRIPTS_PATH}:hash`, async (request) => {
    const peer = peerOfRequest(request.raw.socket)
    if (peer.role !== 'host') throw new Fault('orders.not_host', 403, `a ${peer.role} runs no scripts`)
    return { text: await getText(deps.db, request.params.hash) }
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

function requireSelf(peer: Peer, role: string, facts: { machine: string; protocol: number }): void {
  if (peer.role !== role || peer.name !== facts.machine) {
    throw new Fault('orders.not_self', 403, `${peer.role} ${peer.name} cannot speak for ${facts.machine}`)
  }
  if (facts.protocol === PROTOCOL_VERSION) return
  throw new Fault(
    'orders.other_version',
    409,
    `${peer.name} speaks protocol ${facts.protocol}, control speaks ${PROTOCOL_VERSION}`,
    {
      hint: 'Run the same version of Mainstay on both.',
    },
  )
}

async function standbyMachine(deps: MachineRouteDeps, name: string): Promise<string | null> {
  const server = (await listServers(deps.db)).find((entry) => entry.name === name)
  return (server && standbyOf(server)?.machine) ?? null
}

async function noteMoved(
  deps: MachineRouteDeps,
  facts: { machine: string; address: string; port: number },
  publicUrl: string | undefined,
): Promise<void> {
  const at = { address: facts.address, port: facts.port, ...(publicUrl ? { publicUrl } : {}) }
  const isMoved = await noteAddress(deps.db, facts.machine, at).catch(async (error) => {
    await deps.lineage.noteStranger(facts.machine)
    throw error
  })
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
