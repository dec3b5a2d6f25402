// The runtimes of this host: starts them, tells them what to serve and until when, starts them again when they die.
import type { ChildProcess } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { join } from 'node:path'
import type { RuntimeAssignment } from '../contract/assignment.ts'
import type { RuntimeFacts, SandboxLevel } from '../contract/facts.ts'
import type { PushCounts } from '../contract/push.ts'
import type { FromRuntime, LeaseUntil, RuntimeNumbers, RuntimeService, ToRuntime } from '../contract/runtime-channel.ts'
import type { ServiceLines } from '../contract/service-log.ts'
import { mergeSlowReads, type SlowRead } from '../contract/slow-read.ts'
import { startRole } from '../kit/launcher.ts'
import { RESTART_MS_MAX, RESTART_MS_MIN, ROLE_STOP_MS_MAX } from '../kit/limits.ts'
import type { Log } from '../kit/log.ts'
import { waitUntilGone } from '../kit/processes.ts'
import { type RequestCount, RequestCounts } from '../kit/request-counts.ts'
import { newSocketName } from '../kit/shortcut-hold.ts'
import { RecentScriptRuns } from './recent-script-runs.ts'

type Wanted = { runtime: RuntimeAssignment; services: RuntimeService[] }

type Worker = {
  socket: string
  child: ChildProcess | null
  isListening: boolean
  served: { name: string; epoch: number }[]
  version: number
  sandbox: SandboxLevel | null
  numbers: RuntimeNumbers | null
  restarts: number
  /** Deaths in a row without a minute of life; makes the pauses between starts longer. */
  streak: number
  timer: NodeJS.Timeout | null
}

/** `retiring` are of an older generation: they serve until their successors do. */
type Runtime = { wanted: Wanted; workers: Worker[]; retiring: Worker[] }

const HEALTHY_AFTER_MS = 60_000
/** What the runtimes of a host have told of themselves, and how often any of them was started again. */
export type RuntimesNumbers = {
  requests: RequestCount[]
  sandboxStarts: number
  /** What was pushed to devices since it started, by platform. */
  pushed: PushCounts[]
  restarts: number
  workers: { runtime: string; numbers: RuntimeNumbers }[]
}

/** Of a process that has not said anything yet, or has ended. */
const NOTHING_TOLD = { served: [], version: 0, sandbox: null, numbers: null }
const WEAKEST_FIRST = ['off', 'reduced', 'full'] as const

export class Runtimes {
  readonly #home: string
  readonly #folder: string
  readonly #egressAllow: string[]
  readonly #log: Log
  readonly #onChange: () => void
  readonly #onLines: (lines: ServiceLines) => void
  readonly #runtimes = new Map<string, Runtime>()
  #leases: LeaseUntil[] = []
  readonly #requests = new RequestCounts()
  readonly #scriptRuns = new RecentScriptRuns()
  #sandboxStarts = 0
  readonly #pushed = new Map<string, PushCounts>()
  #restarts = 0
  #isHeldDown = false
  #version = 0

  /** `folder`: for their sockets and sandboxes; short, and empty, since nobody else removes what a killed host left. */
  constructor(options: {
    home: string
    folder: string
    /** Networks that scripts may reach although they are private. */
    egressAllow: string[]
    log: Log
    onChange: () => void
    /** What scripts of services said. */
    onLines: (lines: ServiceLines) => void
  }) {
    this.#home = options.home
    this.#folder = options.folder
    this.#egressAllow = options.egressAllow
    this.#log = options.log
    this.#onChange = options.onChange
    this.#onLines = options.onLines
  }

  /** Takes the complete list of runtimes wanted here. */
  assign(version: number, wanted: Wanted[]): void {
    this.#version = version
    for (const [name, runtime] of this.#runtimes) {
      if (wanted.some(({ runtime: { name: kept } }) => kept === name)) continue
      this.#runtimes.delete(name)
      for (const worker of [...runtime.workers, ...runtime.retiring]) this.#end(worker)
    }
    for (const entry of wanted) this.#assignOne(entry)
  }

  /** Publishes until when commits on each server may be acknowledged. */
  setLeases(leases: LeaseUntil[]): void {
    this.#leases = leases
    for (const worker of this.#workers()) this.#send(worker, { kind: 'leases', leases })
  }

  /** Keeps all runtimes down (a compute outage), or lets them run again. */
  setHeldDown(isHeldDown: boolean): void {
    if (isHeldDown === this.#isHeldDown) return
    this.#isHeldDown = isHeldDown
    for (const worker of this.#workers()) {
      if (isHeldDown) worker.child?.kill('SIGKILL')
      else this.#ensureStarted(worker)
    }
  }

  /** The unix socket of one of a runtime's processes, or null when none listens. */
  socketOf(name: string): string | null {
    const runtime = this.#runtimes.get(name)
    const ready = runtime?.workers.filter((worker) => worker.isListening && worker.version > 0) ?? []
    const listening = ready.length > 0 ? ready : (runtime?.retiring.filter((worker) => worker.isListening) ?? [])
    return listening[listening.length > 1 ? randomInt(listening.length) : 0]?.socket ?? null
  }

  facts(): RuntimeFacts[] {
    const scriptRuns = this.#scriptRuns.list(performance.now())
    return [...this.#runtimes].map(([name, { workers, retiring, wanted }]) => {
      const listening = workers.filter((worker) => worker.isListening)
      const isRunning = listening.length > 0 || retiring.some((worker) => worker.isListening)
      // A service is served once every process of the runtime serves it.
      const services = (workers[0]?.served ?? []).filter((one) =>
        workers.every(
          ({ isListening, served }) => isListening && served.some((s) => s.name === one.name && s.epoch === one.epoch),
        ),
      )
      const isCrashing = workers.some((worker) => worker.streak >= 3)
      return {
        name,
        version: Math.min(...workers.map((worker) => worker.version)),
        state: isRunning ? 'running' : isCrashing ? 'failed' : this.#isHeldDown ? 'stopped' : 'starting',
        processes: listening.length,
        restarts: workers.reduce((sum, worker) => sum + worker.restarts, 0),
        sandbox: weakest(workers.map(({ sandbox }) => sandbox)),
        problem: isCrashing ? `it ends again and again (${wanted.runtime.units} wanted)` : null,
        services,
        scripts: scriptRuns.filter(({ service }) => services.some((one) => one.name === service)),
      }
    })
  }

  numbers(): RuntimesNumbers {
    const served = new Set(
      [...this.#runtimes.values()].flatMap(({ wanted }) => wanted.services.map(({ name }) => name.toLowerCase())),
    )
    this.#requests.keep((service) => served.has(service))
    const workers = [...this.#runtimes].flatMap(([runtime, { workers, retiring }]) =>
      [...workers, ...retiring].flatMap(({ numbers }) => (numbers ? [{ runtime, numbers }] : [])),
    )
    return {
      requests: this.#requests.list(),
      sandboxStarts: this.#sandboxStarts,
      pushed: [...this.#pushed.values()],
      restarts: this.#restarts,
      workers,
    }
  }

  /** What would make slow reads of a service faster, as its processes have told. */
  slowReads(serviceId: string): SlowRead[] {
    const told = [...this.#runtimes.values()].flatMap(({ workers }) =>
      workers.flatMap(({ numbers }) => numbers?.slowReads?.find(({ service }) => service === serviceId)?.reads ?? []),
    )
    return mergeSlowReads(told)
  }

  /** Ends all runtimes. */
  async stop(): Promise<void> {
    const workers = [...this.#workers()]
    this.#runtimes.clear()
    const pids = workers.map((worker) => worker.child?.pid).filter((pid) => pid !== undefined)
    for (const worker of workers) this.#end(worker)
    await Promise.all(pids.map(async (pid) => await waitUntilGone(pid, ROLE_STOP_MS_MAX)))
  }

  #assignOne(wanted: Wanted): void {
    const { name, units } = wanted.runtime
    const runtime = this.#runtimes.get(name) ?? { wanted, workers: [], retiring: [] }
    if (runtime.wanted.runtime.generation !== wanted.runtime.generation) {
      // A restart that a person asked for: the old ones go as their successors come.
      runtime.retiring.push(...runtime.workers.splice(0))
    }
    runtime.wanted = wanted
    this.#runtimes.set(name, runtime)
    while (runtime.workers.length > units) {
      const surplus = runtime.workers.pop()
      if (surplus) this.#end(surplus)
    }
    while (runtime.workers.length < units) runtime.workers.push(this.#newWorker())
    for (const worker of runtime.workers) {
      if (worker.child) this.#sendServices(worker, runtime)
      else this.#ensureStarted(worker)
    }
  }

  // A socket that nobody else had: one that ends removes its own, maybe long after its successor listens.
  #newWorker(): Worker {
    const socket = join(this.#folder, newSocketName())
    return { socket, child: null, isListening: false, ...NOTHING_TOLD, restarts: 0, streak: 0, timer: null }
  }

  #ensureStarted(worker: Worker): void {
    // One that retires is not started again: its successors are coming.
    const owner = [...this.#runtimes].find(([, { workers }]) => workers.includes(worker))
    if (!owner || worker.child || worker.timer || this.#isHeldDown) return
    const [name, runtime] = owner
    const allowed = this.#egressAllow.flatMap((network) => ['--egress-allow', network])
    const args = ['runtime', '--home', this.#home, '--name', name, '--socket', worker.socket, ...allowed]
    const child = startRole(args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    const startedAt = performance.now()
    worker.child = child
    child.on('message', (message: FromRuntime) => this.#take(worker, runtime, message))
    child.on('error', (error) => this.#log.error({ runtime: name, err: error }, 'runtime could not be started'))
    child.once('exit', (code, signal) => {
      Object.assign(worker, { child: null, isListening: false, ...NOTHING_TOLD })
      this.#onChange()
      worker.streak = performance.now() - startedAt > HEALTHY_AFTER_MS ? 0 : worker.streak + 1
      if (!this.#workers().includes(worker) || this.#isHeldDown) return
      worker.restarts += 1
      this.#restarts += 1
      const pauseMs = Math.min(RESTART_MS_MAX, RESTART_MS_MIN * 2 ** Math.min(worker.streak - 1, 10))
      this.#log.warn({ runtime: name, code, signal, pauseMs }, 'runtime ended, starting it again')
      worker.timer = setTimeout(() => {
        worker.timer = null
        this.#ensureStarted(worker)
      }, pauseMs)
    })
  }

  #take(worker: Worker, runtime: Runtime, message: FromRuntime): void {
    if (message.kind === 'listening') {
      worker.isListening = true
      this.#send(worker, { kind: 'leases', leases: this.#leases })
      this.#sendServices(worker, runtime)
    } else if (message.kind === 'numbers') {
      worker.numbers = message.numbers
      this.#requests.add(message.numbers.requests)
      this.#scriptRuns.add(message.numbers.scripts, performance.now())
      this.#sandboxStarts += message.numbers.sandboxStarts
      for (const counts of message.numbers.push ?? []) this.#addPushed(counts)
    } else if (message.kind === 'lines') {
      this.#onLines(message.lines)
    } else if (message.kind === 'sandbox') {
      worker.sandbox = message.sandbox
      this.#onChange()
    } else {
      worker.served = message.services
      worker.version = message.version
      const isWhole = runtime.workers.every((one) => one.isListening && one.version > 0)
      if (isWhole) for (const old of runtime.retiring.splice(0)) this.#end(old)
      this.#onChange()
    }
  }

  #addPushed({ platform, sent, failed, dead }: PushCounts): void {
    const before = this.#pushed.get(platform) ?? { platform, sent: 0, failed: 0, dead: 0 }
    const sums = { sent: before.sent + sent, failed: before.failed + failed, dead: before.dead + dead }
    this.#pushed.set(platform, { platform, ...sums })
  }

  #sendServices(worker: Worker, runtime: Runtime): void {
    if (!worker.isListening) return
    this.#send(worker, { kind: 'services', version: this.#version, services: runtime.wanted.services })
  }

  #send(worker: Worker, message: ToRuntime): void {
    // A runtime that is just ending has no channel any more; its exit is handled where it is noticed.
    if (worker.child?.connected) worker.child.send(message, () => {})
  }

  #end(worker: Worker): void {
    if (worker.timer) clearTimeout(worker.timer)
    worker.timer = null
    worker.child?.kill('SIGTERM')
  }

  #workers(): Worker[] {
    return [...this.#runtimes.values()].flatMap((runtime) => [...runtime.workers, ...runtime.retiring])
  }
}

function weakest(levels: (SandboxLevel | null)[]): SandboxLevel | null {
  return WEAKEST_FIRST.find((level) => levels.includes(level)) ?? null
}
