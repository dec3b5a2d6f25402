// One role of the local cloud: its process, started again when it dies, and its orderly end.
import type { ChildProcess } from 'node:child_process'
import { closeSync, openSync, readFileSync, renameSync, statSync } from 'node:fs'
import type { FromRole, ToRole } from '../contract/local-cloud.ts'
import { pause, waitFor } from '../kit/clock.ts'
import { Fault, messageOf } from '../kit/fault.ts'
import type { startRole } from '../kit/launcher.ts'
import { ROLE_LOG_BYTES_MAX, ROLE_START_MS_MAX, ROLE_STOP_MS_MAX } from '../kit/limits.ts'
import { signalProcess, treeOf } from '../kit/processes.ts'
import { waitWhileAlive } from './our-processes.ts'
import { decideAfterEnd } from './supervision.ts'

/** Starts the process of a role. */
export type RoleSpawner = typeof startRole

export type RoleOptions = {
  /** For people and the log's name: `control`, `host-west-us`. */
  name: string
  args: string[]
  logFile: string
  env: NodeJS.ProcessEnv
  spawn: RoleSpawner
  /** Extra environment of the next process, such as a join token that works once. */
  prepare: () => Promise<NodeJS.ProcessEnv>
  /** What each new process is told first. */
  greeting: () => ToRole | null
}

/** A role that is kept running until it is stopped or abandoned. */
export class RoleProcess {
  readonly name: string
  #options: RoleOptions
  #child: ChildProcess | null = null
  #aborter: AbortController | null = null
  #running: Promise<void> = Promise.resolve()
  #isReady = false
  #wasEverReady = false
  #failure: string | null = null

  constructor(options: RoleOptions) {
    this.name = options.name
    this.#options = options
  }

  get pid(): number | null {
    return this.#child?.pid ?? null
  }

  /** Starts it and keeps it running. Idempotent. */
  start(): void {
    if (this.#aborter) return
    const aborter = new AbortController()
    this.#aborter = aborter
    this.#failure = null
    this.#running = this.#supervise(aborter.signal)
  }

  /** Waits until it does its duty. Faults with `role.failed` and the end of its log. */
  async waitUntilReady(signal: AbortSignal): Promise<void> {
    const check = () => {
      if (this.#failure !== null) throw this.#failedFault(this.#failure)
      return this.#isReady ? true : undefined
    }
    try {
      await waitFor(`the start of ${this.name}`, check, { withinMs: ROLE_START_MS_MAX, everyMs: 10, signal })
    } catch (error) {
      if (error instanceof Fault && error.code === 'wait.timed_out') throw this.#failedFault(error.message)
      throw error
    }
  }

  /** Tells the running process something; a process that starts later gets the greeting instead. */
  tell(message: ToRole): void {
    // The channel may be closing under us; the next process is greeted with the same news.
    if (this.#child?.connected) this.#child.send(message, () => {})
  }

  /** Ends the supervision only, and returns the process that is still there. */
  abandon(): number | null {
    const { pid } = this
    this.#aborter?.abort()
    this.#aborter = null
    return pid
  }

  /** Waits until an abandoned process has been seen to end. */
  async waitUntilEnded(): Promise<void> {
    await this.#running
  }

  /** Stops it in order; by force, with all below it, when it takes too long. */
  async stop(): Promise<void> {
    const pid = this.abandon()
    if (pid !== null) {
      const tree = treeOf(pid)
      signalProcess(pid, 'SIGTERM')
      await waitWhileAlive([pid], ROLE_STOP_MS_MAX)
      for (const one of new Set([...tree, ...treeOf(pid)])) signalProcess(one, 'SIGKILL')
    }
    await this.#running
  }

  /** Kills the whole tree without waiting; for the very last moment of our own process. */
  killNow(): void {
    const pid = this.abandon()
    if (pid !== null) for (const one of treeOf(pid)) signalProcess(one, 'SIGKILL')
  }

  async #supervise(signal: AbortSignal): Promise<void> {
    let failures = 0
    while (!signal.aborted) {
      const startedAt = performance.now()
      const problem = await this.#runOnce(signal)
      if (signal.aborted) return
      const ranMs = performance.now() - startedAt
      const decision = decideAfterEnd({ failures, wasEverReady: this.#wasEverReady, ranMs })
      failures = decision.failures
      if (decision.kind === 'give_up') {
        this.#failure = problem
        return
      }
      await pause(decision.afterMs, signal)
    }
  }

  // Resolves with why it ended.
  async #runOnce(signal: AbortSignal): Promise<string> {
    let extra: NodeJS.ProcessEnv
    try {
      extra = await this.#options.prepare()
    } catch (error) {
      return messageOf(error)
    }
    if (signal.aborted) return 'stopped'
    const log = openLogFile(this.#options.logFile)
    try {
      // Its own process group: Ctrl-C in the terminal reaches only us, and we stop the roles in order.
      this.#child = this.#options.spawn(this.#options.args, {
        stdio: ['ignore', log, log, 'ipc'],
        detached: true,
        env: { ...this.#options.env, ...extra },
      })
    } finally {
      closeSync(log)
    }
    const child = this.#child
    child.on('message', (message: FromRole) => {
      if (message.kind !== 'ready') return
      this.#isReady = true
      this.#wasEverReady = true
    })
    const greeting = this.#options.greeting()
    if (greeting) this.tell(greeting)
    const problem = await endOf(child)
    this.#isReady = false
    this.#child = null
    return problem
  }

  #failedFault(reason: string): Fault {
    const tail = lastLines(this.#options.logFile)
    return new Fault('role.failed', 500, `${this.name} did not start: ${reason}${tail === '' ? '' : `\n${tail}`}`, {
      hint: `Read ${this.#options.logFile}`,
    })
  }
}

async function endOf(child: ChildProcess): Promise<string> {
  return await new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('exit', (code, signal) =>
      resolve(signal ? `it was ended by ${signal}` : `it ended with exit code ${code}`),
    )
  })
}

function openLogFile(path: string): number {
  try {
    if (statSync(path).size > ROLE_LOG_BYTES_MAX) renameSync(path, `${path}.1`)
  } catch {
    // No log yet.
  }
  return openSync(path, 'a', 0o600)
}

function lastLines(path: string): string {
  try {
    return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-5).join('\n')
  } catch {
    return ''
  }
}
