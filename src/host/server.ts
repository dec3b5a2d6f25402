// One PostgreSQL server on this host: makes it what control wants, step by step, for as long as the host runs.
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import type pg from 'pg'
import type { ServerAssignment } from '../contract/assignment.ts'
import type { BackupTaken } from '../contract/backup.ts'
import type { ServerFacts, ServerState } from '../contract/facts.ts'
import type { HostStand } from '../contract/host-condition.ts'
import { APPS_DATABASE } from '../contract/table-format.ts'
import { raiseAboveLost } from '../databases/after-loss.ts'
import { ensureDivergenceSlot, ensurePlatform, fenceStrangers } from '../databases/app-schema.ts'
import { checkUpstream, takeBaseBackup } from '../databases/base-backup.ts'
import type { Cluster } from '../databases/cluster.ts'
import type { Upstream } from '../databases/cluster-config.ts'
import { findShutdownLsn } from '../databases/control-file.ts'
import { isOpenAllowed } from '../databases/lease.ts'
import { dropSlots, promote } from '../databases/replication.ts'
import { WAITS_FOR_NOBODY } from '../databases/synchronous.ts'
import { bootMs, pause } from '../kit/clock.ts'
import { type Disk, readDisk } from '../kit/disk.ts'
import { Fault, messageOf } from '../kit/fault.ts'
import { faultPoint } from '../kit/fault-points.ts'
import { readJsonIfAny, syncFolder, writeJson } from '../kit/files.ts'
import { OPEN_LEASE_MS_MIN, SERVER_TICK_MS, SETUP_MS_MAX } from '../kit/limits.ts'
import type { Log } from '../kit/log.ts'
import { AppsDatabase, IN_TIME } from './apps-database.ts'
import type { LeaseKeeper } from './lease-keeper.ts'
import type { ProofGiver } from './proof-giver.ts'
import type { ServerBackups } from './server-backups.ts'
import { decideDuty, type Kept } from './server-duty.ts'
import { type Position, ServerMonitor } from './server-monitor.ts'
import type { ServerRestore } from './server-restore.ts'
import { ServerSchemas } from './server-schemas.ts'
import { ServerSlots } from './server-slots.ts'
import type { Stranded, StrandedWrites } from './stranded-writes.ts'
import { Synchrony } from './synchrony.ts'
import type { Tunnels } from './tunnels.ts'

export type ServerDeps = {
  cluster: Cluster
  lease: LeaseKeeper
  proofs: ProofGiver
  tunnels: Tunnels
  stranded: StrandedWrites
  backups: ServerBackups
  restore: ServerRestore
  log: Log
  /** Tells the guard that the server must be watched, or no longer. */
  watch: (isWatched: boolean) => void
  /** Has control record that this standby is not promotable; faults when it is not recorded. */
  release: (wanted: ServerAssignment) => Promise<void>
  onChange: () => void
}

export class ManagedServer {
  readonly name: string
  readonly apps: AppsDatabase
  readonly #deps: ServerDeps
  readonly #monitor: ServerMonitor
  readonly #slots: ServerSlots
  #wanted: ServerAssignment
  #wantedVersion: number
  #version = 0
  #state: ServerState = 'starting'
  #problem: { message: string; code: string | null } | null = null
  #kept: Kept | null = null
  readonly #schemas: ServerSchemas
  readonly #synchrony: Synchrony
  #aborter = new AbortController()
  #wake: (() => void) | null = null
  #isFencedByGuard = false
  #shutdownLsn: string | null = null
  #fences = 0
  #running: Promise<void> | null = null

  constructor(wanted: ServerAssignment, version: number, deps: ServerDeps) {
    this.name = wanted.name
    this.#wanted = wanted
    this.#wantedVersion = version
    this.#deps = deps
    this.#monitor = new ServerMonitor(deps.cluster)
    this.#slots = new ServerSlots(this.#monitor, deps.log)
    this.#schemas = new ServerSchemas(deps.log)
    this.#synchrony = new Synchrony(deps.cluster)
    this.apps = new AppsDatabase({
      withClient: async (work, options) => await deps.cluster.withClient(work, { database: APPS_DATABASE, ...options }),
      requireOpen: () => this.requireOpen(),
    })
  }

  /** What it is to be. */
  get role(): ServerAssignment['role'] {
    return this.#wanted.role
  }

  /** How often PostgreSQL was stopped because its lease had run out. */
  get fences(): number {
    return this.#fences
  }

  /** Starts the loop. */
  start(): void {
    this.#running = this.#loop()
  }

  /** Takes what control wants now. */
  assign(wanted: ServerAssignment, version: number): void {
    this.#wanted = wanted
    this.#wantedVersion = version
    this.#deps.lease.assign({ epoch: wanted.epoch, lease: wanted.role === 'primary' ? wanted.lease : FREE })
    this.#deps.proofs.setStandby(wanted.role === 'standby' && this.#kept?.role === 'standby' ? wanted.epoch : null)
    this.#wake?.()
  }

  /** Something it depends on changed: look now. */
  wake(): void {
    this.#wake?.()
  }

  /** The guard stopped PostgreSQL. */
  noteFenced(): void {
    this.#isFencedByGuard = true
    this.#fences += 1
    this.#wake?.()
  }

  /** Ends the loop and PostgreSQL. */
  async stop(): Promise<void> {
    this.#aborter.abort()
    this.#wake?.()
    await this.#running
    this.#deps.backups.stop()
    this.#deps.lease.stop()
    await this.#monitor.close()
    await this.#deps.cluster.stop('fast')
    this.#deps.watch(false)
  }

  /** The base backup that is being taken now, or null. */
  get backupUnderWay(): string | null {
    return this.#deps.backups.underWay
  }

  /** Takes a base backup now. Faults with `server.not_open`, `backup.no_vault` or what ends it. */
  async takeBackup(): Promise<BackupTaken> {
    this.requireOpen()
    return await this.#deps.backups.takeNow()
  }

  /** Writes a checkpoint, so that a stop that follows is short. Faults with `server.not_open`. */
  async checkpoint(): Promise<void> {
    this.requireOpen()
    await this.#deps.cluster.withClient(async (client) => await client.query('checkpoint'))
  }

  /** Faults with `server.not_open` unless this is a primary that takes writes. */
  requireOpen(): void {
    const decision = this.#deps.lease.decide().kind
    if (this.#state === 'running' && this.role === 'primary' && (decision === 'free' || decision === 'held')) return
    throw new Fault('server.not_open', 503, `${this.name} is not open for changes here now`, {
      hint: 'See how it stands: mainstay sql server list',
    })
  }

  /** What a condition may be about. */
  get stand(): HostStand['servers'][number] {
    const { epoch, role } = this.#kept ?? this.#wanted
    return { name: this.name, state: this.#state, role, epoch, version: this.#version }
  }

  /** What is known now. A server that hangs is told with its last position: its host must not fall silent with it. */
  async facts(): Promise<ServerFacts> {
    const state = { isOpen: this.#state === 'running', isQuarantined: this.#state === 'quarantined' }
    const disk = await readDisk(this.#deps.cluster.folder)
    return this.#factsAt(await this.#monitor.readInTime(this.#wanted, state), disk)
  }

  /** The same with the position that was read last: nothing is asked. */
  factsOfBefore(): ServerFacts {
    return this.#factsAt(this.#monitor.last, null)
  }

  #factsAt(position: Position, disk: Disk | null): ServerFacts {
    const isOpen = this.#state === 'running'
    return {
      ...this.stand,
      problem: this.#problem?.message ?? null,
      problemCode: this.#problem?.code ?? null,
      isSynchronous: isOpen && this.role === 'primary' && this.#synchrony.isInForce,
      backup: isOpen && this.role === 'primary' ? this.#deps.backups.facts : null,
      restore: this.#deps.restore.progress,
      shutdownLsn: this.#state === 'stopped' ? this.#shutdownLsn : null,
      lease: this.#deps.lease.facts(),
      disk,
      ...withStranded(position, this.#deps.stranded.found),
      schemas: this.#schemas.facts(),
    }
  }

  async #loop(): Promise<void> {
    await this.#load()
    this.assign(this.#wanted, this.#wantedVersion)
    while (!this.#aborter.signal.aborted) {
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      const before = this.#summary()
      const version = this.#wantedVersion
      const state = this.#state
      try {
        await this.#reconcile(this.#wanted)
        this.#problem = null
        this.#version = version
      } catch (error) {
        this.#state = 'failed'
        this.#problem = problemOf(error)
        this.#monitor.forget()
      }
      if (state !== this.#state) {
        this.#deps.log.info({ server: this.name, state: this.#state, problem: this.#problem?.message }, 'server state')
      }
      if (before !== this.#summary()) this.#deps.onChange()
      await Promise.race([woken, pause(SERVER_TICK_MS, this.#aborter.signal)])
    }
  }

  // Without knowing what the data folder is, nothing may be done with it.
  async #load(): Promise<void> {
    while (!this.#aborter.signal.aborted) {
      try {
        this.#kept = await readJsonIfAny<Kept>(this.#keptPath)
        await this.#deps.proofs.load()
        return
      } catch (error) {
        this.#state = 'failed'
        this.#problem = problemOf(error)
        await pause(SERVER_TICK_MS, this.#aborter.signal)
      }
    }
  }

  #summary(): string {
    return `${this.#state} ${this.#problem?.message} ${this.#version}`
  }

  async #reconcile(wanted: ServerAssignment): Promise<void> {
    switch (decideDuty(this.#kept, wanted)) {
      case 'refuse': {
        const message = `told of epoch ${wanted.epoch} of ${this.name}, and its data is of epoch ${this.#kept?.epoch}`
        throw new Fault('assignment.stale', 409, message)
      }
      case 'quarantine':
        return await this.#quarantine(wanted)
      case 'follow':
        return await this.#followPrimary(wanted)
      case 'promote':
        return await this.#promote(wanted)
      case 'rejoin':
        return await this.#rejoin(wanted)
      case 'lead':
        return await this.#bePrimary(wanted)
      case 'stop':
        return await this.#standStill()
    }
  }

  // In a planned move: cleanly, so that the standby has all there is when it takes over.
  async #standStill(): Promise<void> {
    const { cluster, lease, watch } = this.#deps
    lease.setOpen(false)
    this.#deps.backups.stop()
    if (cluster.isRunning) await cluster.stop('fast')
    watch(false)
    this.#monitor.forget()
    this.#synchrony.forget()
    this.#shutdownLsn = await findShutdownLsn(cluster.dataFolder)
    this.#state = 'stopped'
    faultPoint('host.stop.stopped')
  }

  // What it has is exactly what its successor began with: it follows as it is. Anything else has diverged.
  async #rejoin(wanted: ServerAssignment): Promise<void> {
    const { cluster, lease } = this.#deps
    lease.setOpen(false)
    if (cluster.isRunning) await cluster.stop('fast')
    if ((await findShutdownLsn(cluster.dataFolder)) !== wanted.rejoin?.lsn) return await this.#quarantine(wanted)
    await this.#keep({ role: 'standby', epoch: wanted.epoch })
    this.#schemas.clear()
    await this.#followPrimary(wanted)
  }

  // Kept whole and reachable by nobody; what it wrote and the promoted one never got is decoded, and told.
  async #quarantine(wanted: ServerAssignment): Promise<void> {
    this.#deps.lease.setOpen(false)
    this.#deps.backups.stop()
    if (this.#kept?.role !== 'quarantined')
      await this.#keep({ role: 'quarantined', epoch: this.#kept?.epoch ?? wanted.epoch })
    if (this.#deps.cluster.isRunning) await this.#deps.cluster.stop('immediate')
    this.#deps.watch(false)
    this.#schemas.clear()
    this.#state = 'quarantined'
    await this.#deps.stranded.decode({ epoch: this.#kept?.epoch ?? wanted.epoch, forkLsn: wanted.forkLsn ?? null })
  }

  async #bePrimary(wanted: ServerAssignment): Promise<void> {
    const { cluster } = this.#deps
    if (!cluster.hasData) {
      if (wanted.isInitialized || this.#kept !== null) {
        throw new Fault('server.data_missing', 500, `the data folder of ${this.name} is gone: ${cluster.dataFolder}`, {
          hint: 'Bring the folder back, or recover its services into the region of its standby.',
        })
      }
      if (wanted.restore) {
        this.#state = 'restoring'
        this.#deps.onChange()
        await this.#deps.restore.run(wanted.restore, this.#aborter.signal)
      } else await cluster.initialize()
      faultPoint('host.lead.initialized')
    }
    if (this.#kept === null) await this.#keep({ role: 'primary', epoch: wanted.epoch })
    if (!(await this.#isAllowedToOpen())) return
    if (!cluster.isRunning) {
      this.#schemas.forgetPlatform()
      this.#monitor.forget()
      // Watched from before it takes its first connection: we may be stopped or killed while it starts.
      this.#deps.watch(true)
      const synchronousSlot = this.#synchronousSlot(wanted)
      await cluster.start({ kind: 'primary', synchronousSlot })
      this.#synchrony.noteStarted(synchronousSlot)
      if (!(await this.#isAllowedToOpen())) return
    }
    this.#isFencedByGuard = false
    this.#deps.lease.setOpen(true)
    this.#deps.watch(true)
    // First: while a commit waits for a standby that is gone, nothing else here may have to wait for it.
    await this.#synchrony.follow(this.#synchronousSlot(wanted))
    // Clients have seen what was written after the moment that was restored: new stamps come after that.
    if (wanted.restore && !wanted.isInitialized) await this.#withSetup(raiseAboveLost)
    await this.#prepare(wanted)
    await this.#tend(wanted)
    this.#state = 'running'
  }

  async #prepare(wanted: ServerAssignment): Promise<void> {
    const withApps = async <T>(work: (client: pg.Client) => Promise<T>) => await this.#withSetup(work)
    await this.#schemas.prepare(wanted.schemas, {
      withApps,
      ensurePlatform: async () => {
        const { replicationPassword } = wanted
        await ensurePlatform(async (database, work) => await this.#withSetup(work, database), { replicationPassword })
        const here = wanted.schemas.map(({ serviceId }) => serviceId)
        await this.#withSetup(async (client) => await fenceStrangers(client, here))
      },
    })
  }

  // As superuser.
  async #withSetup<T>(work: (client: pg.Client) => Promise<T>, database = APPS_DATABASE): Promise<T> {
    const options = `${WAITS_FOR_NOBODY} ${IN_TIME}`
    return await this.#deps.cluster.withClient(work, { database, options, query_timeout: 2 * SETUP_MS_MAX })
  }

  // Without a lease the standby cannot be promoted, and nobody has to wait for it.
  #synchronousSlot(wanted: ServerAssignment): string | null {
    return this.#deps.lease.decide().kind === 'free' ? null : (wanted.synchronousSlot ?? null)
  }

  // Without proof PostgreSQL stays shut; one that is open without it is shut at once.
  async #isAllowedToOpen(): Promise<boolean> {
    const server = { isOpen: this.#deps.cluster.isRunning, openLeaseMsMin: OPEN_LEASE_MS_MIN }
    if (isOpenAllowed(this.#deps.lease.decide(), bootMs(), server)) return true
    const wasOpen = this.#state === 'running' || this.#isFencedByGuard
    this.#deps.lease.setOpen(false)
    this.#deps.backups.stop()
    if (this.#deps.cluster.isRunning) await this.#deps.cluster.stop('immediate')
    this.#state = wasOpen || this.#state === 'fenced' ? 'fenced' : 'waiting'
    this.#monitor.forget()
    this.#synchrony.forget()
    return false
  }

  async #promote(wanted: ServerAssignment): Promise<void> {
    this.#state = 'promoting'
    const { cluster, proofs } = this.#deps
    if (!cluster.hasData) {
      throw new Fault('server.data_missing', 500, `the copy of ${this.name} in ${cluster.folder} is not whole`)
    }
    proofs.setStandby(null)
    await proofs.endBelow(wanted.epoch)
    faultPoint('host.promote.ended')
    await pause(proofs.waitMs(wanted.isOldPrimaryStopped), this.#aborter.signal)
    if (this.#aborter.signal.aborted) return
    faultPoint('host.promote.waited')
    // Promoted already, before a crash: it must not be made a standby again.
    if (!cluster.isRunning) {
      const role = { kind: 'standby' as const, upstream: await this.#upstream(wanted) }
      await cluster.start(cluster.isStandby ? role : { kind: 'primary' })
    }
    await cluster.withClient(promote)
    this.#synchrony.forget()
    faultPoint('host.promote.promoted')
    this.#monitor.forget()
    await this.#withSetup(async (client) => {
      await raiseAboveLost(client)
      await ensureDivergenceSlot(client)
    })
    await this.#keep({ role: 'primary', epoch: wanted.epoch })
    await this.#bePrimary(wanted)
  }

  async #followPrimary(wanted: ServerAssignment): Promise<void> {
    const { cluster, proofs } = this.#deps
    const upstream = await this.#upstream(wanted)
    if (cluster.hasData && this.#kept === null) {
      throw new Fault('server.data_unknown', 500, `${cluster.folder} holds data of which nothing is known`, {
        hint: 'It is left as it is. Move it away for a new standby to be built here.',
      })
    }
    const isOld = this.#kept?.epoch !== wanted.epoch
    if (!cluster.hasData || isOld || (await this.#monitor.isStandbyLost())) await this.#build(wanted, upstream)
    if (!cluster.isRunning) {
      this.#monitor.forget()
      await cluster.start({ kind: 'standby', upstream })
      // Those of a primary of before would hold WAL back for nobody.
      await cluster.withClient(dropSlots)
    }
    proofs.setStandby(wanted.epoch)
    this.#deps.watch(true)
    this.#state = 'running'
  }

  async #build(wanted: ServerAssignment, upstream: Upstream): Promise<void> {
    const { cluster } = this.#deps
    this.#state = 'building'
    this.#deps.onChange()
    // The old copy, however stale, may be all that is left: it goes only while its primary answers, and after control
    // has recorded that it is not to be promoted.
    await checkUpstream(upstream)
    if (cluster.hasData) await this.#deps.release(wanted)
    await this.#monitor.close()
    await cluster.stop('immediate')
    // What could not be decoded is not thrown away: a person may still make something of it.
    if (this.#kept?.role === 'quarantined' && wanted.replaces?.isKept) {
      await rename(cluster.dataFolder, join(cluster.folder, `quarantined-e${this.#kept.epoch}`))
      await syncFolder(cluster.folder)
    }
    await cluster.beginFolder()
    faultPoint('host.build.emptied')
    await takeBaseBackup(upstream, cluster.dataFolder, () => faultPoint('host.build.copying'))
    faultPoint('host.build.copied')
    await this.#keep({ role: 'standby', epoch: wanted.epoch })
    await cluster.syncData()
    await cluster.finishFolder()
    faultPoint('host.build.finished')
  }

  async #upstream(wanted: ServerAssignment): Promise<Upstream> {
    if (!wanted.primary) return { socketFolder: '/nonexistent', password: '', slot: 'none' }
    const socketFolder = await this.#deps.tunnels.ensure(this.name, wanted.primary)
    const slot = wanted.slots[0]
    if (!slot) throw new TypeError('a standby is assigned a slot')
    return { socketFolder, password: wanted.replicationPassword, slot }
  }

  async #tend(wanted: ServerAssignment): Promise<void> {
    await this.#slots.tend(wanted)
    const { backup, epoch, replicationPassword: password } = wanted
    // Before there is anybody's data in it, there is nothing to back up.
    const isUsed = wanted.schemas.length > 0
    const from = { socketFolder: this.#deps.cluster.socketFolder, password }
    this.#deps.backups.follow(backup && isUsed ? { ...backup, epoch } : null, from)
  }

  async #keep(kept: Kept): Promise<void> {
    await writeJson(this.#keptPath, kept)
    this.#kept = kept
    faultPoint(`host.kept.${kept.role}`)
  }

  get #keptPath(): string {
    return join(this.#deps.cluster.folder, 'server.json')
  }
}

const FREE = { kind: 'free', term: 0 } as const

function problemOf(error: unknown): { message: string; code: string | null } {
  return { message: messageOf(error), code: error instanceof Fault ? error.code : null }
}

function withStranded(position: Position, found: Stranded | null): Position {
  if (!position.quarantine || !found) return position
  const { epoch, bundle, problem } = found
  return { ...position, quarantine: { ...position.quarantine, epoch, bundle, bundleProblem: problem } }
}
