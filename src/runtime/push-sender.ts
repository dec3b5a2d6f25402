// Sends what waits to be sent to the devices of the services that are served here. Of several processes, and of two
// homes in a planned move, one sends a message; where it dies, another goes on after the last devices that it noted.
import { randomUUID } from 'node:crypto'
import { isPushOn, type PushCounts, type PushPlatform, type PushSettings } from '../contract/push.ts'
import { AtOnce } from '../kit/at-once.ts'
import { pause } from '../kit/clock.ts'
import type { EgressPolicy } from '../kit/egress-agent.ts'
import { messageOf } from '../kit/fault.ts'
import {
  JOB_STATEMENT_MS,
  PUSH_AT_ONCE_MAX,
  PUSH_AT_ONCE_PER,
  PUSH_BACKOFF_MS_MAX,
  PUSH_BACKOFF_MS_MIN,
  PUSH_CLOSE_MS_MAX,
  PUSH_DIRECT_AT_ONCE,
  PUSH_DIRECT_TRIES,
  PUSH_DIRECT_WAIT_MS_MAX,
  PUSH_LOOK_EVERY_MS,
  PUSH_RETRY_LOOK_MS,
  PUSH_SENDS_AT_ONCE,
  PUSH_SENDS_PER_SERVICE,
  PUSH_TICK_MS,
  PUSH_TRIES_MAX,
} from '../kit/limits.ts'
import type { Log } from '../kit/log.ts'
import type { Device, Outcome, PushMessage } from '../push/delivery.ts'
import { fillTemplate } from '../push/message.ts'
import { backOffMs } from '../push/outcome.ts'
import { Postman } from '../push/postman.ts'
import type { Work } from './app-database.ts'
import type { Leases } from './leases.ts'
import { PushDevices } from './push-devices.ts'
import { type Claimed, type Note, PushSends, type Target } from './push-sends.ts'
import type { ServedService, Services } from './services.ts'
import { Turns } from './turns.ts'

type Deps = { services: Services; leases: Leases; policy: EgressPolicy; log: Log }
type Tried = { target: Target; outcome: Outcome }

const NOTE_TRIES = 5
const NOTE_RETRY_MS = 200

export class PushSender {
  readonly #deps: Deps
  readonly #postman: Postman
  /** Who claims: of each process another one. */
  readonly #holder = randomUUID()
  readonly #dueMs = new Map<string, number>()
  readonly #looking = new Set<string>()
  readonly #underWay = new Set<Promise<void>>()
  readonly #sending = new AtOnce({ perOwner: PUSH_SENDS_PER_SERVICE, all: PUSH_SENDS_AT_ONCE })
  readonly #direct = new Turns(PUSH_DIRECT_AT_ONCE)
  readonly #counts = new Map<PushPlatform, PushCounts>()
  readonly #ticker: NodeJS.Timeout
  #isClosing = false

  constructor(deps: Deps) {
    this.#deps = deps
    this.#postman = new Postman(deps.policy)
    this.#ticker = setInterval(() => this.#tick(), PUSH_TICK_MS)
    this.#ticker.unref()
  }

  /** Begins with what was just noted for a service. */
  nudge(service: ServedService): void {
    this.#dueMs.set(service.assignment.id, 0)
    this.#tick()
  }

  /** Sends to one device, now, with a few tries; what its platform does not know any more is removed. */
  async direct(service: ServedService, device: Device, message: PushMessage, work: Work): Promise<Outcome> {
    const { push = {} } = service.assignment
    const { platform } = message
    const { id } = service.assignment
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await this.#direct.take(id, async () => await this.#postman.deliver(push, device, message))
      const waitMs = outcome.kind === 'later' ? this.#backOff(attempt - 1, outcome.afterMs) : 0
      const isLast = attempt >= PUSH_DIRECT_TRIES || waitMs > PUSH_DIRECT_WAIT_MS_MAX
      const hasTime = performance.now() + waitMs < work.deadline - 1_000
      if (outcome.kind === 'later' && !isLast && hasTime) {
        await pause(waitMs)
        continue
      }
      this.#count(platform, outcome)
      if (outcome.kind === 'dead') {
        const { server } = service.assignment.database
        const dead = { platform, channel: device.channel, reason: outcome.reason }
        await this.#deps.leases.guard({ server, isWrite: true }, async () => {
          await new PushDevices(service).bury(dead, work)
        })
      }
      return outcome
    }
  }

  /** What was sent since it was last called. */
  takeCounts(): PushCounts[] {
    const counts = [...this.#counts.values()]
    this.#counts.clear()
    return counts
  }

  /** Begins nothing any more, and lets go of what it sends; what hangs is not waited for. */
  async close(): Promise<void> {
    this.#isClosing = true
    clearInterval(this.#ticker)
    await Promise.race([Promise.all(this.#underWay), pause(PUSH_CLOSE_MS_MAX)])
  }

  /** Ends its connections; after `close`. */
  end(): void {
    this.#postman.close()
  }

  #tick(): void {
    if (this.#isClosing) return
    const served = this.#deps.services.all().filter(({ assignment }) => isPushOn(assignment.push))
    const ids = new Set(served.map(({ assignment }) => assignment.id))
    for (const id of this.#dueMs.keys()) if (!ids.has(id)) this.#dueMs.delete(id)
    for (const service of served) {
      const { id, database } = service.assignment
      const isRoom = this.#sending.fullOf(id) === null && this.#underWay.size < PUSH_SENDS_AT_ONCE
      const isFree = !this.#looking.has(id) && isRoom
      // Without a lease nothing is begun, and nothing is wrong with that.
      if (isFree && Date.now() >= (this.#dueMs.get(id) ?? 0) && this.#deps.leases.isHeld(database.server)) {
        this.#look(service)
      }
    }
  }

  #look(service: ServedService): void {
    const { id, name, epoch } = service.assignment
    this.#looking.add(id)
    // Set aside first: what comes meanwhile is looked at again.
    this.#dueMs.set(id, Date.now() + PUSH_LOOK_EVERY_MS)
    const sends = new PushSends(service)
    const looking = sends
      .claim(this.#holder, epoch, shortWork())
      .then(async (claimed) => {
        if (claimed) {
          this.#begin(service, claimed)
          this.#dueMs.set(id, 0)
          return
        }
        const nextMs = await sends.dueIn(shortWork())
        const soonMs = Math.max(PUSH_TICK_MS, nextMs ?? PUSH_LOOK_EVERY_MS)
        const known = this.#dueMs.get(id) ?? 0
        if (known !== 0) this.#dueMs.set(id, Date.now() + Math.min(PUSH_LOOK_EVERY_MS, soonMs))
      })
      .catch((error: unknown) => {
        this.#dueMs.set(id, Date.now() + PUSH_RETRY_LOOK_MS)
        this.#deps.log.warn({ service: name, err: error }, 'what is to be pushed could not be looked at')
      })
      .finally(() => this.#looking.delete(id))
    this.#track(looking)
  }

  #begin(service: ServedService, claimed: Claimed): void {
    const about = { service: service.assignment.name, send: claimed.id }
    // What it did not note another process does again, once the claim is over.
    const sending = this.#sending
      .during(service.assignment.id, async () => await this.#send(service, claimed))
      .catch((error: unknown) =>
        this.#deps.log.warn({ ...about, err: error }, 'a push message could not be sent on for now'),
      )
    this.#track(sending)
  }

  #track(work: Promise<void>): void {
    this.#underWay.add(work)
    const done = () => this.#underWay.delete(work)
    work.then(done, done)
  }

  async #send(service: ServedService, first: Claimed): Promise<void> {
    const sends = new PushSends(service)
    const untilMs = Date.now() + first.leftMs
    let claimed = first
    for (;;) {
      const { targets, nextMs } = await this.#next(sends, claimed)
      if (Date.now() >= untilMs) return await sends.finish(claimed, this.#holder, 'expired', shortWork())
      if (targets.length === 0 && nextMs === null) {
        return await sends.finish(claimed, this.#holder, 'done', shortWork())
      }
      if (targets.length === 0) return await this.#release(sends, claimed, nextMs ?? 0, service)
      for (const some of chunked(targets, atOnce(claimed.total))) {
        const current = this.#serving(service)
        // Served elsewhere, or not any more: whoever does goes on.
        if (this.#isClosing || current?.database !== service.database) {
          return await new PushSends(current ?? service).release(claimed, this.#holder, 0, shortWork())
        }
        if (Date.now() >= untilMs) break
        const { push = {} } = current.assignment
        const tried = await Promise.all(some.map(async (target) => await this.#try(push, claimed, target)))
        const note = this.#noteOf(claimed, tried)
        if (!(await this.#note(service, sends, claimed, note))) return
        for (const { outcome } of tried) this.#count(claimed.platform, outcome)
        claimed = { ...claimed, place: note.place, strikes: note.strikes, turn: claimed.turn + 1 }
        if (note.holdMs !== null) return this.#lookIn(service, note.holdMs)
      }
    }
  }

  async #next(sends: PushSends, claimed: Claimed): Promise<{ targets: Target[]; nextMs: number | null }> {
    const targets = await sends.targets(claimed, shortWork())
    return targets.length > 0 ? { targets, nextMs: 0 } : await sends.retries(claimed, shortWork())
  }

  async #release(sends: PushSends, claimed: Claimed, afterMs: number, service: ServedService): Promise<void> {
    await sends.release(claimed, this.#holder, afterMs, shortWork())
    this.#lookIn(service, afterMs)
  }

  #lookIn({ assignment: { id } }: ServedService, ms: number): void {
    this.#dueMs.set(id, Math.min(this.#dueMs.get(id) ?? Number.POSITIVE_INFINITY, Date.now() + ms))
  }

  #serving({ assignment }: ServedService): ServedService | null {
    return this.#deps.services.find(assignment.name, String(assignment.epoch))
  }

  async #try(push: PushSettings, { platform, wanted, ttlS }: Claimed, target: Target): Promise<Tried> {
    const message = messageFor(platform, { wanted, ttlS, template: target.template })
    if (typeof message === 'string') return { target, outcome: { kind: 'failed', reason: message } }
    return { target, outcome: await this.#postman.deliver(push, target.device, message) }
  }

  #noteOf(claimed: Claimed, tried: Tried[]): Note {
    // A platform that took one takes others: its strikes are over.
    const isTaking = tried.some(({ outcome }) => outcome.kind === 'sent')
    const ours = tried.flatMap(({ outcome }) => (outcome.kind === 'later' && outcome.isOurs ? [outcome] : []))
    const holdMs = ours.map(({ afterMs }) => this.#backOff(isTaking ? 0 : claimed.strikes, afterMs))
    const note: Note = {
      place: tried.findLast(({ target }) => target.tries === null)?.target.seq ?? claimed.place,
      sent: tried.filter(({ outcome }) => outcome.kind === 'sent').length,
      failed: 0,
      problem: null,
      strikes: ours.length > 0 ? (isTaking ? 1 : claimed.strikes + 1) : 0,
      holdMs: holdMs.length > 0 ? Math.max(...holdMs) : null,
      settled: [],
      later: [],
      dead: [],
    }
    for (const { target, outcome } of tried) {
      if (outcome.kind !== 'sent') note.problem = outcome.reason
      // What says nothing of the device is not counted against it.
      const tries = (target.tries ?? 0) + (outcome.kind === 'later' && !outcome.isOurs ? 1 : 0)
      const isAgain = outcome.kind === 'later' && tries < PUSH_TRIES_MAX
      if (isAgain) {
        const ms = outcome.isOurs ? (note.holdMs ?? 0) : this.#backOff(tries - 1, outcome.afterMs)
        note.later.push({ id: target.id, tries, ms })
      } else if (target.tries !== null) note.settled.push(target.id)
      if (outcome.kind === 'failed' || (outcome.kind === 'later' && !isAgain)) note.failed += 1
      if (outcome.kind === 'dead') note.dead.push({ channel: target.device.channel, reason: outcome.reason })
    }
    return note
  }

  // A note that fails is tried again: what is not noted is sent twice.
  async #note(service: ServedService, sends: PushSends, claimed: Claimed, note: Note): Promise<boolean> {
    const { server } = service.assignment.database
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#deps.leases.guard({ server, isWrite: true }, async () => {
          return await sends.note(claimed, this.#holder, note, shortWork())
        })
      } catch (error) {
        if (attempt >= NOTE_TRIES) throw error
        this.#deps.log.warn({ send: claimed.id, problem: messageOf(error) }, 'what was pushed is noted again')
        await pause(NOTE_RETRY_MS * attempt)
      }
    }
  }

  #backOff(tries: number, afterMs: number | null): number {
    return backOffMs(tries, { afterMs, random: Math.random(), minMs: PUSH_BACKOFF_MS_MIN, maxMs: PUSH_BACKOFF_MS_MAX })
  }

  #count(platform: PushPlatform, outcome: Outcome): void {
    if (outcome.kind === 'later') return
    const counts = this.#counts.get(platform) ?? { platform, sent: 0, failed: 0, dead: 0 }
    counts[outcome.kind] += 1
    this.#counts.set(platform, counts)
  }
}

/** How many devices of a message are sent to at once: fewer than one in a thousand, so that a crash repeats no more. */
export function atOnce(total: number): number {
  return Math.max(1, Math.min(PUSH_AT_ONCE_MAX, Math.floor((total - 1) / PUSH_AT_ONCE_PER)))
}

// What one device is sent, or why its template comes to nothing.
function messageFor(
  platform: PushPlatform,
  { wanted, ttlS, template }: Pick<Claimed, 'wanted' | 'ttlS'> & Pick<Target, 'template'>,
): PushMessage | string {
  if (wanted.kind === 'native') return wanted.message
  if (template === null) return 'it has no template any more'
  try {
    return fillTemplate(platform, template, wanted.properties, ttlS)
  } catch (error) {
    return `its template: ${messageOf(error)}`
  }
}

function chunked<T>(all: T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, at) => all.slice(at * size, (at + 1) * size))
}

function shortWork(): Work {
  return { deadline: performance.now() + JOB_STATEMENT_MS, isWriteInFlight: false }
}
