// A host's duty for one PostgreSQL server in the simulation: lease, proof, and what it makes of the data folder.
import type { ServerAssignment } from '../../src/contract/assignment.ts'
import type { ProofAnswer, ServerFacts, ServerState } from '../../src/contract/facts.ts'
import { LeaseState } from '../../src/databases/lease-state.ts'
import type { Kept } from '../../src/host/server-duty.ts'
import { Fault } from '../../src/kit/fault.ts'
import {
  HEARTBEAT_EVERY_MS,
  LEASE_MS,
  LEASE_WAIT_MARGIN_MS,
  OPEN_LEASE_MS_MIN,
  RELEASE_AFTER_MS,
} from '../../src/kit/limits.ts'
import type { SimHost } from './host.ts'
import type { Postgres } from './postgres.ts'
import type { Task } from './scheduler.ts'

/** What lies on the disk of one server's folder. */
export type Disk = { kept: Kept | null; endedBelowEpoch: number; hasData: boolean }

export class SimServer {
  readonly name: string
  wanted: ServerAssignment
  isWatched = false
  isFencedByGuard = false
  readonly #host: SimHost
  readonly #lease = new LeaseState({ leaseMs: LEASE_MS, releaseAfterMs: RELEASE_AFTER_MS })
  readonly #startedAt: number
  #givenAt: number | null = null
  #standbyEpoch: number | null = null
  #wantedVersion = 0
  #version = 0
  #state: ServerState = 'starting'
  #isBusy = false
  #isWoken = false
  #isReleasing = false

  constructor(host: SimHost, wanted: ServerAssignment) {
    this.#host = host
    this.name = wanted.name
    this.wanted = wanted
    this.#startedAt = host.boot()
  }

  assign(wanted: ServerAssignment, version: number): void {
    this.wanted = wanted
    this.#wantedVersion = version
    const lease = wanted.role === 'primary' ? wanted.lease : { kind: 'free' as const, term: 0 }
    const isNew = this.#lease.assign({ epoch: wanted.epoch, lease }, this.#host.boot())
    const isStandby = wanted.role === 'standby' && this.#disk.kept?.role === 'standby'
    this.#standbyEpoch = isStandby ? wanted.epoch : null
    if (isNew) this.#host.world.scheduler.spawn(this.#host.actor, this.ask(700))
    this.wake()
  }

  untilBootMs(): number | null {
    return this.#lease.untilBootMs(this.#host.boot())
  }

  /** One round of asking the standby's host, and control when that is silent. */
  *ask(timeoutMs: number): Task<void> {
    const { world } = this.#host
    const { lease } = this.#lease.wanted
    const question = this.#lease.question(this.#host.boot())
    if (lease.kind === 'required' && question) {
      const prover = world.host(lease.prover.machine)
      try {
        const answer = () => prover.answerProof(this.name, question.epoch)
        this.#lease.noteAnswer(
          question,
          yield* world.network.call(this.#host.address, prover.address, { timeoutMs, answer }),
        )
      } catch (error) {
        if (!(error instanceof Fault)) throw error
        yield* this.#askRelease(timeoutMs)
      }
    }
    this.#host.publishLeases()
    if (this.untilBootMs() === 0) this.wake()
  }

  answerProof(epoch: number): ProofAnswer {
    const endedBelowEpoch = this.#disk.endedBelowEpoch
    const facts = { endedBelowEpoch, standbyEpoch: this.#standbyEpoch }
    const decision = this.#host.world.rules.decideProof(facts, epoch)
    if (decision === 'ended') return { isGiven: false, epoch: endedBelowEpoch }
    if (decision === 'unknown') throw new Fault('lease.unknown_server', 404, 'no standby under that epoch here')
    this.#givenAt = this.#host.boot()
    return { isGiven: true, epoch }
  }

  facts(): ServerFacts {
    const { wanted } = this
    const isPrimary = this.#state === 'running' && wanted.role === 'primary'
    return {
      name: this.name,
      version: this.#version,
      epoch: this.#disk.kept?.epoch ?? wanted.epoch,
      role: this.#disk.kept?.role ?? wanted.role,
      state: this.#state,
      problem: null,
      lsn: '0/1',
      timeline: 1,
      forkLsn: '0/1',
      lease: this.#lease.facts(this.#host.boot()),
      standby: isPrimary ? this.#host.world.standbyPosition(this.#host, this.name) : null,
      lastContactMs: null,
      dataBytes: null,
      quarantine: null,
      schemas: [...this.#postgres.logins.values()].map((epoch) => ({ schema: '', epoch, problem: null })),
    }
  }

  /** Looks after the server: at once, or again when the look that is under way has ended. */
  wake(): void {
    if (this.#isBusy) {
      this.#isWoken = true
      return
    }
    this.#isBusy = true
    this.#isWoken = false
    this.#host.world.scheduler.spawn(this.#host.actor, this.#look())
  }

  *#look(): Task<void> {
    const version = this.#wantedVersion
    try {
      yield* this.#reconcile(this.wanted)
      this.#version = version
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      this.#state = 'failed'
    }
    this.#isBusy = false
    if (this.#isWoken) this.wake()
  }

  *#reconcile(wanted: ServerAssignment): Task<void> {
    switch (this.#host.world.rules.decideDuty(this.#disk.kept, wanted)) {
      case 'refuse':
        throw new Fault('assignment.stale', 409, 'told of an older epoch')
      case 'quarantine':
        return this.#quarantine(wanted)
      case 'follow':
        return yield* this.#follow(wanted)
      case 'promote':
        return yield* this.#promote(wanted)
      case 'lead':
        return yield* this.#lead(wanted)
    }
  }

  #quarantine(wanted: ServerAssignment): void {
    this.#lease.setOpen(false)
    if (this.#disk.kept?.role !== 'quarantined') {
      this.#keep({ role: 'quarantined', epoch: this.#disk.kept?.epoch ?? wanted.epoch })
    }
    this.#postgres.stop()
    this.#watch(false)
    this.#state = 'quarantined'
  }

  *#lead(wanted: ServerAssignment): Task<void> {
    const { scheduler, random } = this.#host.world
    if (!this.#disk.hasData) {
      if (wanted.isInitialized || this.#disk.kept) throw new Fault('server.data_missing', 500, 'the data is gone')
      yield* scheduler.sleep(this.#host.actor, 600)
      this.#disk.hasData = true
      this.#host.noteDurable()
    }
    if (!this.#disk.kept) this.#keep({ role: 'primary', epoch: wanted.epoch })
    if (!this.#isAllowedToOpen()) return
    if (!this.#postgres.isRunning) {
      yield* scheduler.sleep(this.#host.actor, random.between(20, 200))
      this.#watch(true)
      this.#postgres.start('primary')
      // It takes connections before the host has seen that it does.
      yield* scheduler.sleep(this.#host.actor, random.between(20, 300))
      if (!this.#isAllowedToOpen()) return
    }
    this.isFencedByGuard = false
    this.#lease.setOpen(true)
    this.#watch(true)
    yield* this.#untilAnswering()
    this.#openSchemas(wanted)
    this.#state = 'running'
  }

  #isAllowedToOpen(): boolean {
    const server = { isOpen: this.#postgres.isRunning, openLeaseMsMin: OPEN_LEASE_MS_MIN }
    const now = this.#host.boot()
    if (this.#host.world.rules.isOpenAllowed(this.#lease.decide(now), now, server)) return true
    const wasOpen = this.#state === 'running' || this.isFencedByGuard
    this.#lease.setOpen(false)
    this.#postgres.stop()
    this.#state = wasOpen || this.#state === 'fenced' ? 'fenced' : 'waiting'
    return false
  }

  *#promote(wanted: ServerAssignment): Task<void> {
    const { world } = this.#host
    this.#state = 'promoting'
    if (!this.#disk.hasData) throw new Fault('server.data_missing', 500, 'the copy is not whole')
    this.#standbyEpoch = null
    if (wanted.epoch > this.#disk.endedBelowEpoch) {
      this.#disk.endedBelowEpoch = wanted.epoch
      this.#host.noteDurable()
    }
    const facts = {
      givenAt: this.#givenAt,
      startedAt: this.#startedAt,
      isOldPrimaryStopped: wanted.isOldPrimaryStopped,
    }
    const limits = { leaseMs: LEASE_MS, marginMs: LEASE_WAIT_MARGIN_MS }
    const waitMs = world.rules.promotionWaitMs(facts, this.#host.boot(), limits)
    yield* world.scheduler.sleep(this.#host.actor, waitMs / this.#host.clock.rate)
    if (!this.#postgres.isRunning) {
      yield* world.scheduler.sleep(this.#host.actor, world.random.between(40, 500))
      this.#postgres.start('standby')
    }
    yield* this.#untilAnswering()
    yield* world.scheduler.sleep(this.#host.actor, world.random.between(20, 200))
    if (!this.#postgres.isRunning) throw new Fault('postgres.start_failed', 500, 'it died while it was promoted')
    this.#postgres.role = 'primary'
    world.invariants.notePromoted(this.#host, this.name, wanted.epoch)
    this.#host.noteDurable()
    this.#keep({ role: 'primary', epoch: wanted.epoch })
    yield* this.#lead(wanted)
  }

  *#follow(wanted: ServerAssignment): Task<void> {
    const isOld = this.#disk.kept?.epoch !== wanted.epoch
    if (!this.#disk.hasData || isOld) yield* this.#build(wanted)
    if (!this.#postgres.isRunning) {
      yield* this.#host.world.scheduler.sleep(this.#host.actor, 300)
      this.#postgres.start('standby')
    }
    this.#standbyEpoch = wanted.epoch
    this.#watch(true)
    this.#state = 'running'
  }

  *#build(wanted: ServerAssignment): Task<void> {
    const { world, actor } = this.#host
    this.#state = 'building'
    const requireUpstream = () => {
      if (!wanted.primary || !world.isUpstreamOpen(this.#host, wanted.primary.machine, this.name)) {
        throw new Fault('door.unreachable', 503, 'its primary does not answer')
      }
    }
    requireUpstream()
    if (this.#disk.hasData) {
      const request = { server: this.name, epoch: wanted.epoch, term: wanted.lease.term }
      const answer = () => world.control.release(this.#host.name, request)
      const found = yield* world.network.call(this.#host.address, world.control.address, {
        timeoutMs: HEARTBEAT_EVERY_MS,
        answer,
      })
      if (!found.isReleased) throw new Fault('server.not_released', 409, found.reason)
    }
    this.#postgres.stop()
    this.#disk.hasData = false
    this.#host.noteDurable()
    yield* world.scheduler.sleep(actor, world.random.between(300, 1_500))
    requireUpstream()
    this.#keep({ role: 'standby', epoch: wanted.epoch })
    this.#disk.hasData = true
    this.#host.noteDurable()
  }

  *#askRelease(timeoutMs: number): Task<void> {
    const { world } = this.#host
    const { epoch, lease } = this.#lease.wanted
    if (this.#isReleasing || !this.#lease.isReleaseDue(this.#host.boot())) return
    this.#isReleasing = true
    try {
      const request = { server: this.name, epoch, term: lease.term }
      const answer = () => world.control.release(this.#host.name, request)
      const found = yield* world.network.call(this.#host.address, world.control.address, { timeoutMs, answer })
      if (found.isReleased) this.#lease.noteReleased(lease.term)
    } finally {
      this.#isReleasing = false
    }
  }

  *#untilAnswering(): Task<void> {
    const leftMs = this.#postgres.pausedUntil - this.#host.world.scheduler.now
    if (leftMs <= 0) return
    // Our own questions to a PostgreSQL that hangs are given up after a while.
    yield* this.#host.world.scheduler.sleep(this.#host.actor, Math.min(leftMs + 1, 5_000))
    if (leftMs > 5_000) throw new Fault('postgres.start_failed', 500, 'it does not answer')
  }

  #openSchemas(wanted: ServerAssignment): void {
    if (!this.#postgres.isRunning) throw new Fault('postgres.start_failed', 500, 'it is gone')
    this.#postgres.logins.clear()
    for (const schema of wanted.schemas) {
      if (schema.state === 'open') this.#postgres.logins.set(schema.serviceId, schema.epoch)
    }
  }

  #watch(isWatched: boolean): void {
    if (this.isWatched === isWatched) return
    this.isWatched = isWatched
    if (isWatched) this.#host.publishLeases()
    else this.#host.forgetWatched(this.name)
  }

  #keep(kept: Kept): void {
    this.#disk.kept = kept
    this.#host.world.invariants.noteKept(this.#host.name, this.name, kept.epoch)
    this.#host.noteDurable()
  }

  get #disk(): Disk {
    return this.#host.disk(this.name)
  }

  get #postgres(): Postgres {
    return this.#host.postgres(this.name)
  }
}
