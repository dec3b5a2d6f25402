// The local cloud: control, gateway and one host per region as processes of their own, started, supervised and stopped.
import { rm, rmdir } from 'node:fs/promises'
import type { Server } from 'node:net'
import { dirname } from 'node:path'
import type { ServerView, StatusView } from '../contract/api.ts'
import type { CloudFile, Outage, OutageKind, UpAnswer, UpRequest } from '../contract/local-cloud.ts'
import { WELCOME_PATH } from '../contract/portal-page.ts'
import { Fault } from '../kit/fault.ts'
import { readJsonIfAny, readTextIfAny, writeJson } from '../kit/files.ts'
import { makeOpenFolder } from '../kit/home-folder.ts'
import { startRole } from '../kit/launcher.ts'
import { ORPHAN_STOP_MS_MAX } from '../kit/limits.ts'
import {
  type CloudHome,
  cloudHome,
  ensureHome,
  foldersOfCloud,
  foldersOfRole,
  hostHomeOf,
  readSettings,
} from './cloud-home.ts'
import { endOurs, findOurs, killOurs, waitWhileAlive } from './our-processes.ts'
import { regionNamed, toldOutage, withOutage, withoutOutage } from './outages.ts'
import { ensureOwnCertificate } from './own-certificate.ts'
import { checkPort, pickPort } from './ports.ts'
import { waitUntilServing } from './readiness.ts'
import type { LocalTls } from './role-commands.ts'
import type { RoleProcess, RoleSpawner } from './role-process.ts'
import { makeControl, makeGateway, makeHost, type RoleContext, type TokenRequest } from './roles.ts'
import { openUpSocket } from './up-socket.ts'

/** What the local cloud asks of control. */
export type ControlCalls = {
  status(): Promise<StatusView>
  makeJoinToken(request: TokenRequest): Promise<string>
  listServers(): Promise<ServerView[]>
  /** Where the original's tools are answered; null: nowhere. */
  toolEndpoint(): Promise<string | null>
}

export type CloudOptions = {
  /** Absolute. */
  home: string
  port: number
  controlPort: number
  /** Null: no HTTPS. */
  tls?: LocalTls | null
  /** Where the original's tools are answered, `none`: nowhere. Undefined: at the usual port, if nobody has it. */
  managementPort?: string | undefined
  /** Undefined: those of the last start, or the usual two. */
  regions?: string[] | undefined
  env: NodeJS.ProcessEnv
  connect: (url: string, token: string) => ControlCalls
  /** Says what is being done. */
  say: (label: string) => void
  onStopRequest: () => void
  /** How a role is started; as on any machine unless told otherwise. */
  spawn?: RoleSpawner
}

const CERTIFICATE_LOOK_MS = 24 * 3_600_000
const USUAL_REGIONS = ['West US', 'East US']

/** One cloud in one home folder. `start` once, then `stop` once. */
export class LocalCloud {
  readonly home: CloudHome
  readonly gatewayUrl: string
  #tls: LocalTls | null
  #certificateTimer: NodeJS.Timeout | null = null
  readonly controlUrl: string
  #options: CloudOptions
  #regions: string[] = []
  #outages: Outage[] = []
  #machinePort = 0
  #socket: Server | null = null
  #control: RoleProcess | null = null
  #gateway: RoleProcess | null = null
  #hosts = new Map<string, RoleProcess>()
  #aborter = new AbortController()
  #illServices: string[] = []
  #tokens: Promise<void> = Promise.resolve()
  #queue: Promise<unknown> = Promise.resolve()

  constructor(options: CloudOptions) {
    this.#options = options
    this.home = cloudHome(options.home)
    this.gatewayUrl = `http://localhost:${options.port}`
    this.controlUrl = `http://localhost:${options.controlPort}`
    this.#tls = options.tls ?? null
  }

  /** Null: nobody answers by HTTPS. */
  get tls(): LocalTls | null {
    return this.#tls
  }

  get regions(): string[] {
    return this.#regions
  }

  get outages(): Outage[] {
    return this.#outages
  }

  /** Services that were not well when the start was over. */
  get illServices(): string[] {
    return this.#illServices
  }

  get isStopping(): boolean {
    return this.#aborter.signal.aborted
  }

  /** Resolves once a request would succeed. Whoever called must `stop` when it faults. */
  async start(): Promise<void> {
    const { say } = this.#options
    await this.#takeHome()
    const folders = await foldersOfCloud(this.home)
    if (findOurs(folders).length > 0) {
      say('Ending what an earlier cloud left behind')
      await waitWhileAlive(findOurs(folders), ORPHAN_STOP_MS_MAX / 2)
      await endOurs(folders, ORPHAN_STOP_MS_MAX)
    }
    await this.#checkPorts()
    await this.#ensureCertificate()
    this.#outages = (await readJsonIfAny<Outage[]>(this.home.outagesFile)) ?? []
    const cloud: CloudFile = {
      pid: process.pid,
      controlUrl: this.controlUrl,
      gatewayUrl: this.gatewayUrl,
      socket: this.home.socket,
      regions: this.#regions,
    }
    await writeJson(this.home.cloudFile, cloud)
    await this.#startRoles()
  }

  /** Stops gateway, hosts and control in this order, and leaves no process behind. */
  async stop(): Promise<void> {
    this.#aborter.abort()
    if (this.#certificateTimer) clearInterval(this.#certificateTimer)
    // A request that is being carried out may start a host; let it end first.
    await this.#queue
    await this.#gateway?.stop()
    await Promise.all([...this.#hosts.values()].map(async (host) => await host.stop()))
    await this.#control?.stop()
    if (!this.#socket) return
    await killOurs(await foldersOfCloud(this.home))
    await rm(this.home.cloudFile, { force: true })
    this.#socket.close()
    this.#socket = null
    await rm(this.home.socket, { force: true })
    // Harmless when it fails: control keeps its sockets there, too.
    await rmdir(dirname(this.home.socket)).catch(() => {})
  }

  /** Kills everything without waiting; for a second Ctrl-C. */
  killNow(): void {
    this.#aborter.abort()
    for (const role of [this.#gateway, ...this.#hosts.values(), this.#control]) role?.killNow()
  }

  /** Begins an outage; it is on disk before it is carried out. Returns how many processes were killed. */
  async startOutage(typed: string, kind: OutageKind): Promise<number> {
    const region = regionNamed(this.#regions, typed)
    return await this.#inTurn(async () => {
      this.#outages = withOutage(this.#outages, region, kind)
      await writeJson(this.home.outagesFile, this.#outages)
      const host = this.#host(region)
      if (kind === 'all') return await this.#killRegion(region, host)
      host.start()
      host.tell({ kind: 'outage', outage: toldOutage(this.#outages, region) })
      return 0
    })
  }

  /** Ends an outage: the region's host is started again, or told that the cable is back. */
  async stopOutage(typed: string): Promise<void> {
    const region = regionNamed(this.#regions, typed)
    await this.#inTurn(async () => {
      this.#outages = withoutOutage(this.#outages, region)
      await writeJson(this.home.outagesFile, this.#outages)
      const host = this.#host(region)
      host.start()
      host.tell({ kind: 'outage', outage: null })
    })
  }

  /** Control's calls with the operator's token. Faults with `control.not_found` before control has made the token. */
  async calls(): Promise<ControlCalls> {
    const token = await readTextIfAny(this.home.tokenFile)
    if (token === null) throw new Fault('control.not_found', 503, 'control has made no operator token yet')
    return this.#options.connect(this.controlUrl, token.trim())
  }

  /** Where somebody signs in to the portal for the first time; null once somebody has. */
  async ownerLink(): Promise<string | null> {
    const token = await readTextIfAny(this.home.invitationFile)
    return token === null ? null : `${this.controlUrl}${WELCOME_PATH}#${token.trim()}`
  }

  async #takeHome(): Promise<void> {
    const settings = await readSettings(this.home).catch(() => null)
    this.#regions = this.#options.regions ?? settings?.regions ?? USUAL_REGIONS
    this.#machinePort = settings?.machinePort ?? (await pickPort())
    const kept = { machinePort: this.#machinePort, regions: this.#regions }
    if (settings === null) await ensureHome(this.home, kept)
    else await makeOpenFolder(dirname(this.home.socket))
    const answer = async (request: UpRequest) => await this.#answer(request)
    this.#socket = await openUpSocket(this.home.socket, answer, this.home.folder)
    // Only now is the home ours to write to.
    this.#machinePort = await pickPort(this.#machinePort)
    await ensureHome(this.home, { ...kept, machinePort: this.#machinePort })
  }

  // Where no certificate was given. The gateway takes another pair by itself, so a cloud that runs for long only has to
  // look now and then.
  async #ensureCertificate(): Promise<void> {
    if (!this.#tls || (this.#tls.files && !this.#tls.isSelfSigned)) return
    const { port } = this.#tls
    const ensure = async () => await ensureOwnCertificate(this.home.certificate, new Date())
    this.#tls = { port, files: (await ensure()).files, isSelfSigned: true }
    // What fails is tried again the next time: a third of its life is left for that.
    this.#certificateTimer = setInterval(() => ensure().catch(() => {}), CERTIFICATE_LOOK_MS)
    this.#certificateTimer.unref()
  }

  async #checkPorts(): Promise<void> {
    const { port, controlPort, tls } = this.#options
    if (tls && (tls.port === port || tls.port === controlPort)) {
      throw new Fault('port.taken', 500, `port ${tls.port} cannot be had twice`, {
        hint: 'Give HTTPS a port of its own: --tls-port N (MAINSTAY_TLS_PORT).',
      })
    }
    if (tls) {
      const hint = 'Stop that program, or choose another port for HTTPS: --tls-port N or MAINSTAY_TLS_PORT.'
      await checkPort(tls.port, hint)
    }
    if (port === controlPort) {
      throw new Fault('port.taken', 500, `gateway and control cannot both have port ${port}`, {
        hint: 'Give them different ports: --port N --control-port M (MAINSTAY_PORT, MAINSTAY_CONTROL_PORT).',
      })
    }
    await checkPort(port, 'Stop that program, or choose another port for the gateway: --port N or MAINSTAY_PORT.')
    await checkPort(
      controlPort,
      'Stop that program, or choose another port for control: --control-port N or MAINSTAY_CONTROL_PORT.',
    )
  }

  async #startRoles(): Promise<void> {
    const { say } = this.#options
    const { signal } = this.#aborter
    say('Starting control')
    const context = this.#context()
    this.#control = makeControl(context)
    this.#control.start()
    await this.#control.waitUntilReady(signal)

    say(`Starting the gateway and ${this.#regions.join(', ')}`)
    const gateway = makeGateway(context)
    this.#gateway = gateway
    for (const region of this.#regions) this.#hosts.set(region, makeHost(context, region))
    gateway.start()
    // A dead region stays dead over a restart; a cut-off one runs and is told so before anything else.
    const living = this.#regions.filter((region) =>
      this.#outages.every((one) => one.region !== region || one.kind !== 'all'),
    )
    for (const region of living) this.#host(region).start()
    const whole = living.filter((region) => this.#outages.every((one) => one.region !== region))
    await Promise.all(
      [gateway, ...whole.map((region) => this.#host(region))].map(async (role) => await role.waitUntilReady(signal)),
    )

    say('Waiting until the regions are ready')
    const facts = { regions: this.#regions, outages: () => this.#outages, logs: this.home.logs }
    this.#illServices = await waitUntilServing(await this.calls(), facts, signal)
  }

  async #killRegion(region: string, host: RoleProcess): Promise<number> {
    const pid = host.abandon()
    const folders = await foldersOfRole(hostHomeOf(this.home, region))
    const killed = await killOurs(folders, pid === null ? [] : [pid])
    await host.waitUntilEnded()
    return killed
  }

  async #answer(request: UpRequest): Promise<UpAnswer> {
    let killed = 0
    if (request.kind === 'outage_start') killed = await this.startOutage(request.region, request.only)
    else if (request.kind === 'outage_stop') await this.stopOutage(request.region)
    else if (request.kind === 'stop') this.#options.onStopRequest()
    return { ok: true, outages: this.#outages, killed }
  }

  // One request after the other: two outages of one region at once would leave it in between.
  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#queue
    const result = before.then(async () => {
      if (this.isStopping) throw new Fault('up.stopping', 503, 'this cloud is being stopped')
      return await work()
    })
    this.#queue = result.catch(() => {})
    return await result
  }

  #host(region: string): RoleProcess {
    const host = this.#hosts.get(region)
    if (host) return host
    throw new Fault('up.starting', 503, 'this cloud is still starting', { hint: 'Try again when it is ready.' })
  }

  #context(): RoleContext {
    const { port, controlPort, env, managementPort } = this.#options
    const { folder, gateway, tokenFile } = this.home
    const tls = this.#tls
    const machinePort = this.#machinePort
    return {
      home: this.home,
      facts: { home: folder, gatewayHome: gateway, tokenFile, port, controlPort, machinePort, tls, managementPort },
      env,
      spawn: this.#options.spawn ?? startRole,
      // One after the other: control keeps regions in the order in which their tokens were asked for.
      makeJoinToken: async (findNeeded) => {
        const turn = this.#tokens.then(async () => {
          const wanted = await findNeeded()
          return wanted === null ? null : await (await this.calls()).makeJoinToken(wanted)
        })
        this.#tokens = turn.then(
          () => {},
          () => {},
        )
        return await turn
      },
      greetingOf: (region) => {
        const outage = toldOutage(this.#outages, region)
        return outage && { kind: 'outage', outage }
      },
    }
  }
}
