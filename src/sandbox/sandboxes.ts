// All sandboxes of a runtime: started on first use, replaced when blocked, stopped when idle.
import { createHash } from 'node:crypto'
import { dirname } from 'node:path'
import type { SandboxLevel } from '../contract/facts.ts'
import { isReachableByOthers } from '../kit/home-folder.ts'
import {
  SANDBOX_CALLS_MAX,
  SANDBOX_IDLE_MS,
  SANDBOXES_MAX,
  SANDBOXES_PER_SERVICE_MAX,
  SCRIPT_LOG_EVERY_MS,
  SCRIPT_LOG_LINES_MAX,
} from '../kit/limits.ts'
import { type BorderLevel, commandOf, isConfined, sandboxUser } from './border.ts'
import { logText } from './endings.ts'
import { type Jail, makeJail } from './jail.ts'
import { SandboxProcess, type ScriptLine } from './sandbox-process.ts'

/** A service as its sandboxes know it. Another binding (a new epoch, other keys) needs new ones. */
export type SandboxedService = { name: string; id: string; binding: string; environment: Record<string, string> }
/** Where a call may run now, or why it may not. */
export type Place = { kind: 'sandbox'; sandbox: SandboxProcess } | { kind: 'refused'; reason: string }

type Group = { service: SandboxedService; current: SandboxProcess | null; others: Set<SandboxProcess>; lines: Lines }
type Lines = { since: number; count: number; dropped: number }

export class Sandboxes {
  readonly #folder: string
  readonly #isKeptWarm: boolean
  readonly #log: (service: string, line: ScriptLine) => void
  readonly #groups = new Map<string, Group>()
  readonly #prepared: Promise<{ level: SandboxLevel; jail: Jail; problem: string | null }>
  readonly #sweeper: NodeJS.Timeout
  #isClosed = false

  /** `folder` is made anew. Sandboxes that are kept warm are not stopped when idle. */
  constructor(options: {
    folder: string
    isKeptWarm: boolean
    log: (service: string, line: ScriptLine) => void
  }) {
    this.#folder = options.folder
    this.#isKeptWarm = options.isKeptWarm
    this.#log = options.log
    this.#prepared = this.#prepare()
    // Whoever asks for the level hears of a failure.
    this.#prepared.catch(() => {})
    this.#sweeper = setInterval(() => this.#sweep(), SANDBOX_IDLE_MS / 4)
    this.#sweeper.unref()
  }

  /** How strong the border is on this machine, found out by crossing it once, and why it is not full. */
  async level(): Promise<{ level: SandboxLevel; problem: string | null }> {
    const { level, problem } = await this.#prepared
    return { level, problem }
  }

  /** The sandbox for a service's next call, started when there is none that answers. */
  async place(service: SandboxedService): Promise<Place> {
    const { level, jail } = await this.#prepared
    if (level === 'off' || this.#isClosed) return { kind: 'refused', reason: 'This machine can not run scripts.' }
    const group = this.#groupOf(service)
    const current = group.current
    if (current && !current.isBlocked) {
      if (current.open < SANDBOX_CALLS_MAX) return await started(current)
      return { kind: 'refused', reason: 'The scripts of this service are too busy.' }
    }
    if (current) group.others.add(current)
    group.current = null
    if (group.others.size >= SANDBOXES_PER_SERVICE_MAX) {
      return { kind: 'refused', reason: 'The scripts of this service do not answer.' }
    }
    if (!this.#makeRoom()) return { kind: 'refused', reason: 'This machine runs too many scripts at once.' }
    group.current = this.#start(group, level, jail)
    return await started(group.current)
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
  }

  async #prepare(): Promise<{ level: SandboxLevel; jail: Jail; problem: string | null }> {
    const jail = await makeJail(this.#folder)
    const problems: string[] = []
    for (const level of ['full', 'reduced'] as const) {
      const problem = await this.#probe(level, jail)
      if (problem === null) return { level, jail, problem: problems[0] ?? null }
      problems.push(problem)
    }
    return { level: 'off', jail, problem: problems.join('; ') }
  }

  // Null when a sandbox of that level starts and sees no more than it should.
  async #probe(level: BorderLevel, jail: Jail): Promise<string | null> {
    const isOpen = await Promise.all([dirname(jail.node), jail.root].map(isReachableByOthers))
    if (level === 'reduced' && jail.isRoot && isOpen.includes(false)) {
      return `another user than root can not reach ${jail.node} or ${jail.root}`
    }
    const command = commandOf(level, jail, { user: sandboxUser(0) })
    if (!command) return 'a tool of util-linux is missing'
    const options = { command, environment: {}, log: () => {}, onEnd: () => {} }
    const sandbox = new SandboxProcess(options)
    const sight = await sandbox.ready()
    const { cause } = sandbox
    sandbox.stop({ kind: 'stopped' })
    if (!sight) return cause && 'detail' in cause ? cause.detail : 'it did not start'
    if (level === 'reduced') return null
    const isTight = isConfined(sight, { pidOutside: sandbox.pid, entries: jail.entries })
    return isTight ? null : 'it sees more than it should'
  }

  #groupOf(service: SandboxedService): Group {
    const found = this.#groups.get(service.name)
    if (found?.service.binding === service.binding) return found
    if (found) this.#retire(service.name, found)
    const lines = { since: 0, count: 0, dropped: 0 }
    const group: Group = { service, current: null, others: new Set(), lines }
    this.#groups.set(service.name, group)
    return group
  }

  #start(group: Group, level: BorderLevel, jail: Jail): SandboxProcess {
    const { service } = group
    const hash = createHash('sha256').update(service.id).digest().readUInt32BE()
    const command = commandOf(level, jail, { user: sandboxUser(hash) }) ?? { file: jail.node, args: ['--version'] }
    const sandbox = new SandboxProcess({
      command,
      environment: service.environment,
      log: (line) => this.#write(group, line),
      onEnd: () => {
        group.others.delete(sandbox)
        if (group.current === sandbox) group.current = null
        const { cause } = sandbox
        if (cause && cause.kind !== 'stopped') {
          const source = cause.kind === 'script' ? cause.source : null
          this.#log(service.name, { source, level: 'error', message: logText(cause) })
        }
      },
    })
    return sandbox
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
        })
      }
    }
    lines.count += 1
    if (lines.count > SCRIPT_LOG_LINES_MAX) lines.dropped += 1
    else this.#log(service.name, line)
  }

  #retire(name: string, group: Group): void {
    this.#groups.delete(name)
    for (const sandbox of [group.current, ...group.others]) sandbox?.stop({ kind: 'stopped' })
  }

  // True when one more may be started, if need be in place of the one that was idle longest.
  #makeRoom(): boolean {
    const all = [...this.#groups.values()].flatMap(({ current, others }) =>
      current ? [current, ...others] : [...others],
    )
    if (all.length < SANDBOXES_MAX) return true
    const idle = all.filter((sandbox) => sandbox.isIdle).sort((a, b) => a.idleSince - b.idleSince)
    idle[0]?.stop({ kind: 'stopped' })
    return idle.length > 0
  }

  #sweep(): void {
    const now = performance.now()
    for (const group of this.#groups.values()) {
      // One that was blocked and answers again was replaced meanwhile.
      for (const other of group.others) if (other.isIdle && !other.isBlocked) other.stop({ kind: 'stopped' })
      const { current } = group
      const isOld = current?.isIdle && now - current.idleSince > SANDBOX_IDLE_MS
      if (isOld && !this.#isKeptWarm) current.stop({ kind: 'stopped' })
    }
  }
}

async function started(sandbox: SandboxProcess): Promise<Place> {
  if (await sandbox.ready()) return { kind: 'sandbox', sandbox }
  return { kind: 'refused', reason: 'The scripts of this service could not be started.' }
}
