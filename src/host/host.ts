// A host: takes assignments, keeps them on disk, makes servers and runtimes follow them, and reports facts.
import { join } from 'node:path'
import type { HostAssignment, MachineAddress, ServerAssignment } from '../contract/assignment.ts'
import type { HostFacts, ReachFacts, ReleaseAnswer, ServerFacts } from '../contract/facts.ts'
import { type HostCondition, meets } from '../contract/host-condition.ts'
import type { MachineIdentity } from '../contract/join.ts'
import type { OutageKind } from '../contract/local-cloud.ts'
import { PROTOCOL_VERSION } from '../contract/protocols.ts'
import type { RuntimeService } from '../contract/runtime-channel.ts'
import type { ServiceLines } from '../contract/service-log.ts'
import type { SlowRead } from '../contract/slow-read.ts'
import type { Binaries } from '../databases/binaries.ts'
import { Cluster } from '../databases/cluster.ts'
import { awakeMs } from '../kit/awake-clock.ts'
import { bootMs, pause } from '../kit/clock.ts'
import type { Direction, Door } from '../kit/door.ts'
import { Fault } from '../kit/fault.ts'
import { faultPoint } from '../kit/fault-points.ts'
import { readJsonIfAny, writeJson } from '../kit/files.ts'
import {
  HEARTBEAT_EVERY_MS,
  HOST_LOOK_EVERY_MS,
  HOST_WAIT_MS_MAX,
  REGION_CALL_MS_MAX,
  ROUND_TRIPS,
} from '../kit/limits.ts'
import type { Log } from '../kit/log.ts'
import { memoryOf, treeOf } from '../kit/processes.ts'
import type { Vault } from '../kit/vault.ts'
import type { ControlLink } from '../machine/control-link.ts'
import type { ControlTrouble } from '../machine/control-trouble.ts'
import type { HighestEpoch } from '../machine/highest-epoch.ts'
import type { Peers } from '../machine/peers.ts'
import type { Certificate } from '../machine/renewal.ts'
import type { AppsDatabase } from './apps-database.ts'
import { Bundles } from './bundles.ts'
import { DroppedServers } from './dropped-servers.ts'
import type { ExternalServer } from './external-server.ts'
import { Externals } from './externals.ts'
import type { GuardLink } from './guard-link.ts'
import { LeaseKeeper } from './lease-keeper.ts'
import type { HostNumbers } from './metrics.ts'
import { NpmModules } from './npm-modules.ts'
import { ProofGiver } from './proof-giver.ts'
import { RemoteLeases } from './remote-leases.ts'
import { Runtimes } from './runtimes.ts'
import { ScratchClusters } from './scratch-clusters.ts'
import { ScriptTexts } from './scripts.ts'
import { ManagedServer } from './server.ts'
import { ServerBackups } from './server-backups.ts'
import { ServerRestore } from './server-restore.ts'
import { ServiceLogs } from './service-logs.ts'
import { StrandedWrites } from './stranded-writes.ts'
import { Tunnels } from './tunnels.ts'

export type HostDeps = {
  home: string
  postgresFolder: string
  socketFolder: string
  /** Empty, and below that of sockets: for those of runtimes. */
  runtimeFolder: string
  identity: MachineIdentity
  door: Door
  doorAt: { address: string; port: number }
  binaries: Binaries
  control: ControlLink
  peers: Peers
  highest: HighestEpoch
  certificate: Certificate
  trouble: ControlTrouble
  release: string
  log: Log
  offer: HostFacts['offer']
  /** Where backups go; null when it was given none. */
  vault: Vault | null
  /** The same as it was given. */
  vaultText: string
  /** Networks that scripts may reach although they are private. */
  egressAllow: string[]
}

type Held = { server: ManagedServer; lease: LeaseKeeper; proofs: ProofGiver; cluster: Cluster; isWatched: boolean }

const MEMORY_EVERY_MS = 10_000

const CUTS: Record<OutageKind, Direction[]> = {
  all: [],
  compute: [],
  network: ['inbound', 'outbound'],
  inbound: ['inbound'],
  outbound: ['outbound'],
}

export class Host {
  readonly #deps: HostDeps
  readonly #servers = new Map<string, Held>()
  readonly #tunnels: Tunnels
  readonly #runtimes: Runtimes
  readonly #remoteLeases: RemoteLeases
  readonly #scripts: ScriptTexts
  readonly #modules: NpmModules
  /** What scripts of services here said. */
  readonly serviceLogs: ServiceLogs
  readonly #dropped: DroppedServers
  readonly #externals: Externals
  readonly bundles: Bundles
  readonly scratch: ScratchClusters
  readonly #reach = new Map<string, number>()
  #assignment: HostAssignment | null = null
  #turn: Promise<void> = Promise.resolve()
  #guard: GuardLink | null = null
  #memory = { bytes: 0, at: Number.NEGATIVE_INFINITY }
  /** Called when facts changed that control should know before the next heartbeat. */
  onNews: () => void = () => {}

  constructor(deps: HostDeps) {
    this.#deps = deps
    this.#tunnels = new Tunnels(deps.door, deps.socketFolder)
    this.#scripts = new ScriptTexts(deps)
    this.#modules = new NpmModules(deps)
    this.#dropped = new DroppedServers(deps)
    this.bundles = new Bundles(join(deps.home, 'bundles'))
    this.scratch = new ScratchClusters(deps)
    const onChange = () => this.onNews()
    this.#externals = new Externals({ socketFolder: deps.socketFolder, log: deps.log, onChange })
    this.serviceLogs = new ServiceLogs(deps)
    const onLines = (lines: ServiceLines) => this.serviceLogs.take(lines)
    const { egressAllow } = deps
    this.#runtimes = new Runtimes({
      home: deps.home,
      folder: deps.runtimeFolder,
      egressAllow,
      log: deps.log,
      onChange,
      onLines,
    })
    this.#remoteLeases = new RemoteLeases(deps.peers, () => this.#publishLeases())
  }

  get vault(): Vault | null {
    return this.#deps.vault
  }

  /** Ids of the base backups of a server that this host is taking. */
  backupsUnderWay(server: string): string[] {
    const id = this.#servers.get(server)?.server.backupUnderWay ?? null
    return id === null ? [] : [id]
  }

  get version(): number {
    return this.#assignment?.version ?? 0
  }

  get peersWanted(): MachineAddress[] {
    return this.#assignment?.peers ?? []
  }

  useGuard(guard: GuardLink): void {
    this.#guard = guard
  }

  noteFenced(server: string): void {
    this.#servers.get(server)?.server.noteFenced()
  }

  /** Goes on with what was assigned before the last stop. */
  async resume(): Promise<void> {
    await this.#inTurn(async () => {
      const kept = await readJsonIfAny<HostAssignment>(this.#assignmentPath)
      if (!kept || this.version !== 0) return
      await this.#deps.highest.note(epochsOf(kept))
      await this.#follow(kept)
    })
  }

  /** Takes a newer assignment; an older or equal one is nothing new. */
  async assign(assignment: HostAssignment): Promise<void> {
    if (assignment.machine !== this.#deps.identity.name) {
      throw new Fault('assignment.other_machine', 409, `this is ${this.#deps.identity.name}, not ${assignment.machine}`)
    }
    this.#deps.trouble.requireSpoken(assignment)
    await this.#inTurn(async () => {
      if (assignment.version <= this.version) return
      // Said before it is acted on, so that what follows in the log can be told from what was before.
      const { version, operations } = assignment
      this.#deps.log.info({ version, operations }, 'following a new assignment')
      await this.#deps.highest.note(epochsOf(assignment))
      await writeJson(this.#assignmentPath, assignment)
      faultPoint('host.assigned')
      await this.#follow(assignment)
    })
  }

  /** How long a question and its answer take to another machine, in milliseconds: the shortest of a few. */
  async roundTrip(to: MachineAddress): Promise<number> {
    const times: number[] = []
    for (let count = 0; count < ROUND_TRIPS; count += 1) {
      const startedAt = performance.now()
      await this.#deps.peers.call(to, { method: 'GET', path: '/live', timeoutMs: REGION_CALL_MS_MAX })
      times.push(performance.now() - startedAt)
    }
    return Math.min(...times)
  }

  noteReach(machine: string): void {
    this.#reach.set(machine, awakeMs())
  }

  /** Carries out an outage of the local cloud, or ends it. Killing a whole region is not the host's to do. */
  setOutage(kind: OutageKind | null): void {
    this.#deps.door.setCuts(kind === null ? [] : CUTS[kind])
    this.#externals.setCut(kind === 'network' || kind === 'outbound')
    this.#runtimes.setHeldDown(kind === 'compute')
  }

  serverSocketFolder(name: string): string | null {
    return this.#servers.get(name)?.cluster.socketFolder ?? null
  }

  runtimeSocket(name: string): string | null {
    return this.#runtimes.socketOf(name)
  }

  /** The server of ours of that name. Faults with `server.unknown`, with `server.not_open` while we start. */
  getServer(name: string): Held {
    const held = this.#servers.get(name)
    if (!held) throw this.#absent(`has no server ${name}`)
    return held
  }

  /** The apps database of a server that is here, or is looked after from here. Faults with `server.unknown`, with `server.not_open` while we start. */
  getApps(name: string): AppsDatabase {
    return this.#externals.find(name)?.apps ?? this.getServer(name).server.apps
  }

  /** The external server of that name. Faults with `server.unknown`, with `server.not_open` while we start. */
  getExternal(name: string): ExternalServer {
    const found = this.#externals.find(name)
    if (found) return found
    throw this.#absent(`does not look after ${name}`)
  }

  // Before the first assignment nothing can be known to be elsewhere.
  #absent(what: string): Fault {
    const { name } = this.#deps.identity
    if (this.#assignment !== null) return new Fault('server.unknown', 404, `${name} ${what}`)
    return new Fault('server.not_open', 503, `${name} is only just starting`, {
      hint: 'See how it stands: mainstay sql server list',
    })
  }

  /** The cluster of a server whose standby is here, for looking; null for any other. */
  standbyCluster(name: string): Cluster | null {
    const held = this.#servers.get(name)
    return held?.server.role === 'standby' ? held.cluster : null
  }

  async facts(): Promise<HostFacts> {
    const own = await Promise.all([...this.#servers.values()].map(async ({ server }) => await server.facts()))
    return this.#factsWith([...own, ...(await this.#externals.facts())])
  }

  /** The facts once a condition is met, or after a moment, without asking any database. */
  async factsWhen(condition: HostCondition): Promise<HostFacts> {
    const stand = () => {
      const servers = [...this.#servers.values()].map(({ server }) => server.stand)
      return { servers, runtimes: this.#runtimes.facts() }
    }
    const until = performance.now() + HOST_WAIT_MS_MAX
    while (!meets(stand(), condition) && performance.now() < until) await pause(HOST_LOOK_EVERY_MS)
    return this.#factsWith([...this.#servers.values()].map(({ server }) => server.factsOfBefore()))
  }

  #factsWith(servers: ServerFacts[]): HostFacts {
    const { identity, doorAt, release, certificate } = this.#deps
    return {
      protocol: PROTOCOL_VERSION,
      release,
      certificateUntil: certificate.until,
      machine: identity.name,
      region: identity.domain,
      ...doorAt,
      version: this.version,
      servers,
      runtimes: this.#runtimes.facts(),
      reach: this.peersWanted.map((peer) => this.#reachOf(peer.machine)),
      memoryBytes: this.#memoryBytes(),
      offer: this.#deps.offer,
      highestEpoch: this.#deps.highest.value,
      droppedServers: this.#dropped.gone,
      bundles: this.bundles.names,
      vault: this.#deps.vault?.name ?? null,
    }
  }

  /** What `/metrics` tells: the facts, and what was counted since the start. */
  async numbers(): Promise<HostNumbers> {
    const facts = await this.facts()
    const servers = [...this.#servers].map(([name, held]) => ({
      name,
      leaseRemainingMs: remainingMs(untilBootMs(held)),
      fences: held.server.fences,
      ...held.lease.counts,
      ...held.proofs.counts,
    }))
    return { facts, servers, runtimes: this.#runtimes.numbers() }
  }

  /** What would make slow reads of a service faster. */
  slowReads(serviceId: string): SlowRead[] {
    return this.#runtimes.slowReads(serviceId)
  }

  /** Stops runtimes, then servers, then the guard. */
  async stop(): Promise<void> {
    this.#remoteLeases.stop()
    this.#scripts.stop()
    this.#modules.stop()
    await this.#runtimes.stop()
    await Promise.all([...this.#servers.values()].map(async ({ server }) => await server.stop()))
    await this.#tunnels.close()
    await this.#externals.stop()
    this.#guard?.tell({ kind: 'exit' })
    this.#guard?.close()
  }

  // One at a time, and the version is looked at in turn: an older one must never be followed after a newer.
  async #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(work)
    this.#turn = turn.catch(() => {})
    await turn
  }

  async #follow(assignment: HostAssignment): Promise<void> {
    const before = this.#assignment
    this.#assignment = assignment
    try {
      await this.#carryOut(assignment)
    } catch (error) {
      // Not followed to the end: the next heartbeat must bring it again.
      this.#assignment = before
      throw error
    }
  }

  async #carryOut(assignment: HostAssignment): Promise<void> {
    this.#deps.door.refuse(assignment.revoked ?? [])
    for (const wanted of assignment.servers) this.#followServer(wanted, assignment.version)
    for (const [name, held] of this.#servers) {
      if (assignment.servers.some((wanted) => wanted.name === name)) continue
      this.#servers.delete(name)
      await held.server.stop()
    }
    await this.#externals.assign(assignment.externals ?? [], assignment.version)
    const services = assignment.runtimes.flatMap((runtime) => runtime.services)
    await Promise.all([this.#scripts.ensure(services), this.#modules.ensure(services)])
    const remote = new Map<string, MachineAddress>()
    const runtimes = await Promise.all(
      assignment.runtimes.map(async (runtime) => ({
        runtime,
        services: await Promise.all(
          runtime.services.map(async (service): Promise<RuntimeService> => {
            const { server, remote: at } = service.database
            if (at) remote.set(server, at)
            const local = this.#externals.socketFolder(server) ?? join(this.#deps.socketFolder, server)
            const socketFolder = at ? await this.#tunnels.ensure(server, at) : local
            const modulesFolder = this.#modules.folderOf(service)
            const places = { socketFolder, scriptFolder: this.#scripts.folder }
            return { ...service, ...places, ...(modulesFolder === null ? {} : { modulesFolder }) }
          }),
        ),
      })),
    )
    this.#remoteLeases.assign(remote)
    this.#runtimes.assign(assignment.version, runtimes)
    this.#publishLeases()
    // Not before: until they have changed over, runtimes have what was there.
    await this.#modules.forgetUnused()
    await this.#dropped.ensure(assignment.droppedServers ?? [])
  }

  #followServer(wanted: ServerAssignment, version: number): void {
    const held = this.#servers.get(wanted.name)
    if (held) {
      held.server.assign(wanted, version)
      return
    }
    const { postgresFolder, socketFolder, binaries, log } = this.#deps
    const cluster = new Cluster({
      name: wanted.name,
      folder: join(postgresFolder, wanted.name),
      socketFolder: join(socketFolder, wanted.name),
      binaries,
      superuserPassword: wanted.superuserPassword,
    })
    const lease = new LeaseKeeper(wanted.name, this.#deps.peers, this.#deps.control, () => {
      this.#publishLeases()
      // Lost, or free again: what PostgreSQL does hangs on both.
      if (lease.untilBootMs() === 0 || lease.decide().kind === 'free') server.wake()
    })
    const proofs = new ProofGiver(join(postgresFolder, wanted.name))
    const watch = (isWatched: boolean) => this.#watch(wanted.name, isWatched)
    const onChange = () => {
      this.#publishLeases()
      this.onNews()
    }
    const release = async (standby: ServerAssignment) => await this.#release(standby)
    const stranded = new StrandedWrites({ cluster, bundles: this.bundles, log })
    const server = new ManagedServer(wanted, version, {
      cluster,
      stranded,
      backups: new ServerBackups({
        server: wanted.name,
        vault: this.#deps.vault,
        vaultText: this.#deps.vaultText,
        log,
      }),
      restore: new ServerRestore({ cluster, vault: this.#deps.vault }),
      lease,
      proofs,
      tunnels: this.#tunnels,
      log,
      watch,
      release,
      onChange,
    })
    this.#servers.set(wanted.name, { server, lease, proofs, cluster, isWatched: false })
    server.start()
  }

  async #release(standby: ServerAssignment): Promise<void> {
    const body = { server: standby.name, epoch: standby.epoch, term: standby.lease.term }
    const call = { method: 'POST' as const, path: '/machine/release', body, timeoutMs: HEARTBEAT_EVERY_MS }
    const answer = (await this.#deps.control.call(call)) as ReleaseAnswer
    if (!answer.isReleased) {
      throw new Fault('server.not_released', 409, `${standby.name} cannot be built anew here: ${answer.reason}`)
    }
  }

  #watch(name: string, isWatched: boolean): void {
    const held = this.#servers.get(name)
    if (!held) return
    held.isWatched = isWatched
    if (isWatched) this.#publishLeases()
    else this.#guard?.tell({ kind: 'forget', server: name })
  }

  #publishLeases(): void {
    const local = [...this.#servers].map(([server, held]) => ({ server, untilBootMs: untilBootMs(held) }))
    this.#runtimes.setLeases([...local, ...this.#externals.leases(), ...this.#remoteLeases.leases()])
    for (const [server, held] of this.#servers) {
      if (!held.isWatched) continue
      const until = held.server.role === 'standby' ? null : untilBootMs(held)
      this.#guard?.tell({ kind: 'watch', server, dataFolder: held.cluster.dataFolder, untilBootMs: until })
    }
  }

  #reachOf(machine: string): ReachFacts {
    const at = this.#reach.get(machine)
    return { machine, silentMs: at === undefined ? null : Math.round(awakeMs() - at) }
  }

  #memoryBytes(): number {
    const now = performance.now()
    if (now - this.#memory.at > MEMORY_EVERY_MS) {
      const pids = new Set(treeOf(process.pid))
      this.#memory = { bytes: [...pids].reduce((sum, pid) => sum + memoryOf(pid), 0), at: now }
    }
    return this.#memory.bytes
  }

  get #assignmentPath(): string {
    return join(this.#deps.home, 'assignment.json')
  }
}

// Until when commits on a server may be acknowledged here: never, unless it is to be the primary.
function untilBootMs({ server, lease }: Held): number | null {
  return server.role === 'primary' ? lease.untilBootMs() : 0
}

function remainingMs(untilBootMs: number | null): number | null {
  return untilBootMs === null ? null : Math.max(0, untilBootMs - bootMs())
}

function epochsOf({ servers, externals = [], runtimes }: HostAssignment): number[] {
  const schemas = [
    ...servers.map((server) => server.schemas),
    ...externals.map(({ duty }) => duty?.schemas ?? []),
  ].flat()
  const services = runtimes.flatMap((runtime) => runtime.services)
  return [...servers, ...externals, ...schemas, ...services].map(({ epoch }) => epoch)
}
