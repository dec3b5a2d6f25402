// All sandboxes of a runtime: started on first use, replaced when blocked, stopped when idle.
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { dirname } from 'node:path'
import type { SandboxLevel } from '../contract/facts.ts'
import { pause } from '../kit/clock.ts'
import { isReachableByOthers } from '../kit/home-folder.ts'
import {
  SANDBOX_CALLS_MAX,
  SANDBOX_IDLE_MS,
  SANDBOX_PING_EVERY_MS,
  SANDBOX_STARTS_MAX,
  SANDBOX_STARTS_WITHIN_MS,
  SANDBOX_WAIT_MS_MAX,
  SANDBOXES_MAX,
  SANDBOXES_PER_SERVICE_MAX,
  SCRIPT_LOG_EVERY_MS,
  SCRIPT_LOG_LINES_MAX,
} from '../kit/limits.ts'
import { type BorderLevel, commandOf, isConfined, sandboxUser } from './border.ts'
import { logText } from './endings.ts'
import { type Jail, MODULES_INSIDE, makeJail, withModules } from './jail.ts'
import { SandboxProcess, type ScriptLine } from './sandbox-process.ts'

/** A service as its sandboxes know it. Another binding (a new epoch, other keys) needs new ones. */
export type SandboxedService = {
  name: string
  id: string
  binding: string
  environment: Record<string, string>
  config: Record<string, unknown>
  /** The folder of its npm modules on this machine; null: there are none. */
  modules: string | null
}
/** Where a call may run now, or why it may not. */
export type Place = { kind: 'sandbox'; sandbox: SandboxProcess } | { kind: 'refused'; reason: string }

type Group = {
  service: SandboxedService
  /** Those that live, the one that serves last. */
  sandboxes: SandboxProcess[]
  /** When the last ones were taken. */
  starts: number[]
  lines: Lines
}
type Lines = { since: number; count: number; dropped: number }

/** What was found out of this machine. `isLate`: nothing was, since it was too busy to start one in time. */
type Prepared = { level: SandboxLevel; jail: Jail; problem: string | null; isLate: boolean }

export class Sandboxes {
  readonly #isKeptWarm: boolean
  readonly #log: (service: string, line: ScriptLine) => void
  readonly #groups = new Map<string, Group>()
  #prepared: Promise<Prepared>
  readonly #sweeper: NodeJS.Timeout
  /** By the folders of the npm modules that are seen in them. */
  readonly #jails = new Map<string, Promise<Jail>>()
  /** One that runs already and belongs to nobody, so that no request waits for a start. */
  #spare: SandboxProcess | null = null
  #isClosed = false
  #started = 0

  /** `folder` is made anew. Sandboxes that are kept warm are not stopped when idle. */
  constructor(options: {
    folder: string
    isKeptWarm: boolean
    log: (service: string, line: ScriptLine) => void
  }) {
    this.#isKeptWarm = options.isKeptWarm
    this.#log = options.log
    this.#prepared = makeJail(options.folder).then(async (jail) => await this.#prepare(jail))
    // Whoever asks for the level hears of a failure.
    this.#prepared.catch(() => {})
    this.#sweeper = setInterval(() => this.#sweep(), SANDBOX_IDLE_MS / 4)
    this.#sweeper.unref()
  }

  /** Those that run for a service now, those of them that owe an answer, and how many were ever given to one. */
  get counts(): { running: number; blocked: number; started: number } {
    const all = [...this.#groups.values()].flatMap(({ sandboxes }) => sandboxes)
    return { running: all.length, blocked: all.filter(({ isBlocked }) => isBlocked).length, started: this.#started }
  }

  /**
   * How strong the border is on this machine, found out by crossing it once, and why it is not full. `isLate`: that could
   * not be found out yet, and is tried again by whoever asks next.
   */
  async level(): Promise<Omit<Prepared, 'jail'>> {
    const { level, problem, isLate } = await this.#border()
    return { level, problem, isLate: isLate && !this.#isClosed }
  }

  /** The sandbox for a service's next call, where one is there that nobody need think about; null: see `place`. */
  running(service: SandboxedService): SandboxProcess | null {
    const group = this.#groups.get(service.name)
    if (group?.service.binding !== service.binding) return null
    const found = findAnswering(group)
    return found?.isReady && !found.isSlowed && found.open < SANDBOX_CALLS_MAX ? found : null
  }

  /** The sandbox for a service's next call, started when there is none that answers. */
  async place(service: SandboxedService): Promise<Place> {
    const { level, jail: common, isLate } = await this.#border()
    if (isLate) return refused('This machine is too busy to start scripts.')
    if (level === 'off' || this.#isClosed) return refused('This machine can not run scripts.')
    const jail = service.modules === null ? common : await this.#jailWith(common, service.modules)
    const group = this.#groupOf(service)
    const found = findAnswering(group)
    if (found && found.open >= SANDBOX_CALLS_MAX) return refused('The scripts of this service are too busy.')
    const isFull = group.sandboxes.length >= SANDBOXES_PER_SERVICE_MAX
    if (found && (!found.isSlowed || isFull)) return await started(found)
    if (isFull) return await this.#waitFor(group)
    if (isStartedTooOften(group)) return refused('The scripts of this service end again and again.')
    if (!this.#makeRoom()) return refused('This machine runs too many scripts at once.')
    return await started(this.#start(group, level, jail))
  }

  /** Ends the sandboxes of services that are not in the list, or not with that binding. */
  keep(services: SandboxedService[]): void {
    const kept = new Map(services.map(({ name, binding }) => [name, binding]))
    for (const [name, group] of this.#groups) {
      if (kept.get(name) !== group.service.binding) this.#retire(name, group)
    }
  }

  /** Ends all of them. */
  close(): void {
    this.#isClosed = true
    clearInterval(this.#sweeper)
    for (const [name, group] of this.#groups) this.#retire(name, group)
    this.#spare?.stop({ kind: 'stopped' })
  }

  // Who was only late says nothing of the machine: whoever needs one next tries again, once for all who wait meanwhile.
  async #border(): Promise<Prepared> {
    const known = this.#prepared
    const found = await known
    if (!found.isLate || this.#isClosed) return found
    if (this.#prepared === known) this.#prepared = this.#prepare(found.jail)
    return await this.#prepared
  }

  async #prepare(jail: Jail): Promise<Prepared> {
    const problems: string[] = []
    for (const level of ['full', 'reduced'] as const) {
      const found = await this.#probe(level, jail)
      if (found === null) return { level, jail, problem: problems[0] ?? null, isLate: false }
      // Least of all does it say that a weaker border must do.
      if (found.isLate) return { level: 'off', jail, problem: found.problem, isLate: true }
      problems.push(found.problem)
    }
    return { level: 'off', jail, problem: problems.join('; '), isLate: false }
  }

  // Made once for each.
  async #jailWith(common: Jail, modules: string): Promise<Jail> {
    const made = this.#jails.get(modules) ?? withModules(common, modules)
    this.#jails.set(modules, made)
    made.catch(() => this.#jails.delete(modules))
    return await made
  }

  // Null when a sandbox of that level starts and sees no more than it should.
  async #probe(level: BorderLevel, jail: Jail): Promise<{ problem: string; isLate: boolean } | null> {
    const isOpen = await Promise.all([dirname(jail.node), jail.root].map(isReachableByOthers))
    if (level === 'reduced' && jail.isRoot && isOpen.includes(false)) {
      return { problem: `another user than root can not reach ${jail.node} or ${jail.root}`, isLate: false }
    }
    const command = commandOf(level, jail, { user: sandboxUser(0) })
    if (!command) return { problem: 'a tool of util-linux is missing', isLate: false }
    const sandbox = new SandboxProcess(command)
    const sight = await sandbox.ready()
    const { cause } = sandbox
    sandbox.stop({ kind: 'stopped' })
    const isLate = cause?.kind === 'not_started' && cause.isLate === true
    if (!sight) return { problem: cause && 'detail' in cause ? cause.detail : 'it did not start', isLate }
    if (level === 'reduced') return null
    const isTight = isConfined(sight, { pidOutside: sandbox.pid, entries: jail.entries })
    return isTight ? null : { problem: 'it sees more than it should', isLate: false }
  }

  #groupOf(service: SandboxedService): Group {
    const found = this.#groups.get(service.name)
    if (found?.service.binding === service.binding) return found
    if (found) this.#retire(service.name, found)
    const lines = { since: 0, count: 0, dropped: 0 }
    const group: Group = { service, sandboxes: [], starts: [], lines }
    this.#groups.set(service.name, group)
    return group
  }

  // Both may be blocked, or only kept waiting by a busy machine: then one answers soon.
  async #waitFor(group: Group): Promise<Place> {
    const deadline = performance.now() + SANDBOX_WAIT_MS_MAX
    while (performance.now() < deadline && group.sandboxes.length > 0) {
      await pause(SANDBOX_PING_EVERY_MS)
      const found = findAnswering(group)
      if (found && found.open < SANDBOX_CALLS_MAX) return await started(found)
    }
    return refused('The scripts of this service do not answer.')
  }

  #start(group: Group, level: BorderLevel, jail: Jail): SandboxProcess {
    const { service } = group
    const { modules } = service
    // The one that waits sees nobody's npm modules.
    const spare = this.#spare?.isEnded === false && modules === null ? this.#spare : null
    const sandbox = spare ?? startAny(level, jail, modules)
    if (spare) this.#spare = null
    sandbox.adopt({
      environment: service.environment,
      config: service.config,
      modules: modules !== null && level === 'full' ? MODULES_INSIDE : modules,
      log: (line) => this.#write(group, line),
      onEnd: () => {
        group.sandboxes = group.sandboxes.filter((one) => one !== sandbox)
        const { cause } = sandbox
        if (!cause || cause.kind === 'stopped') return
        const source = cause.kind === 'script' ? cause.source : null
        const requestId = sandbox.culpritRequest
        this.#log(service.name, { source, level: 'error', message: logText(cause), requestId })
      },
    })
    this.#started += 1
    group.sandboxes.push(sandbox)
    group.starts.push(performance.now())
    if (modules === null) this.#makeSpare(sandbox, level, jail)
    return sandbox
  }

  // After the one that somebody waits for.
  #makeSpare(first: SandboxProcess, level: BorderLevel, jail: Jail): void {
    first
      .ready()
      .then(() => {
        if (!this.#isClosed) this.#spare ??= startAny(level, jail)
      })
      .catch(() => {
        // Whoever needs one next starts it.
      })
  }

  // A flood of lines is the service's own: it is cut, and the log says so.
  #write(group: Group, line: ScriptLine): void {
    const { lines, service } = group
    const now = performance.now()
    if (now - lines.since > SCRIPT_LOG_EVERY_MS) {
      const { dropped } = lines
      Object.assign(lines, { since: now, count: 0, dropped: 0 })
      if (dropped > 0) {
        this.#log(service.name, {
          source: null,
          level: 'warn',
          message: `${dropped} log lines of scripts were dropped`,
          requestId: null,
        })
      }
    }
    lines.count += 1
    if (lines.count > SCRIPT_LOG_LINES_MAX) lines.dropped += 1
    else this.#log(service.name, line)
  }

  #retire(name: string, group: Group): void {
    this.#groups.delete(name)
    for (const sandbox of group.sandboxes) sandbox.stop({ kind: 'stopped' })
  }

  // True when one more may be started, if need be in place of the one that was idle longest.
  #makeRoom(): boolean {
    const all = [...this.#groups.values()].flatMap(({ sandboxes }) => sandboxes)
    if (all.length < SANDBOXES_MAX) return true
    const idle = all.filter((sandbox) => sandbox.isIdle).sort((a, b) => a.idleSince - b.idleSince)
    idle[0]?.stop({ kind: 'stopped' })
    return idle.length > 0
  }

  #sweep(): void {
    const now = performance.now()
    for (const group of this.#groups.values()) {
      for (const sandbox of group.sandboxes) {
        const isOld = now - sandbox.idleSince > SANDBOX_IDLE_MS && !this.#isKeptWarm
        // More than one is left over from when another was blocked.
        const isSurplus = group.sandboxes.length > 1 && sandbox !== findAnswering(group) && !sandbox.isBlocked
        if (sandbox.isIdle && (isOld || isSurplus)) sandbox.stop({ kind: 'stopped' })
      }
    }
    // The spare serves the next first request; where there are none any more, nobody needs it.
    if (this.#groups.values().every(({ sandboxes }) => sandboxes.length === 0)) {
      this.#spare?.stop({ kind: 'stopped' })
      this.#spare = null
    }
  }
}

// The one that serves: the newest, unless it owes an answer. One that was slowed down serves only for lack of another.
function findAnswering({ sandboxes }: Group): SandboxProcess | undefined {
  const answering = sandboxes.filter((sandbox) => !sandbox.isBlocked)
  return answering.findLast((sandbox) => !sandbox.isSlowed) ?? answering.at(-1)
}

function isStartedTooOften(group: Group): boolean {
  const since = performance.now() - SANDBOX_STARTS_WITHIN_MS
  group.starts = group.starts.filter((at) => at > since)
  return group.starts.length >= SANDBOX_STARTS_MAX
}

// A user of its own for each, which no other process of the machine has.
function startAny(level: BorderLevel, jail: Jail, modules: string | null = null): SandboxProcess {
  const readable = modules === null ? [] : [modules]
  const command = commandOf(level, jail, { user: sandboxUser(randomInt(2 ** 32)), readable })
  // The probe found the same command possible.
  assert(command)
  return new SandboxProcess(command)
}

function refused(reason: string): Place {
  return { kind: 'refused', reason }
}

async function started(sandbox: SandboxProcess): Promise<Place> {
  if (await sandbox.ready()) return { kind: 'sandbox', sandbox }
  return refused('The scripts of this service could not be started.')
}
