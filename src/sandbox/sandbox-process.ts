// One sandbox, seen from its runtime: a child process behind a border, the calls under way, and whether it answers.
import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import type { Duplex, Readable } from 'node:stream'
import { messageOf } from '../kit/fault.ts'
import {
  JOB_IDLE_MS,
  SANDBOX_ASKS_MAX,
  SANDBOX_BLOCKED_MS,
  SANDBOX_CALLS_MAX,
  SANDBOX_END_MS,
  SANDBOX_IDLE_PING_EVERY_MS,
  SANDBOX_MESSAGE_BYTES_MAX,
  SANDBOX_NICE_MS,
  SANDBOX_PING_EVERY_MS,
  SANDBOX_START_MS_MAX,
  SANDBOX_TAIL_BYTES,
  SANDBOX_TAKE_BYTES_MAX,
  SANDBOX_TAKE_MESSAGES_MAX,
  SANDBOX_TAKE_MS,
  SANDBOX_UNREAD_BYTES_MAX,
  SCRIPT_LOG_CHARACTERS_MAX,
  SCRIPT_ROWS_MAX,
  SCRIPT_TIMERS_MAX,
} from '../kit/limits.ts'
import { giveWay } from '../kit/processes.ts'
import type { Command } from './border.ts'
import { type EndCause, endOf } from './endings.ts'
import { FrameReader, FrameWriter, frameOf } from './frames.ts'
import { answerOfLeft } from './left-answer.ts'
import type { AskOutcome, CallStart, FromSandbox, LogLevel, ScriptAnswer, ScriptAsk, Sight } from './messages.ts'

/** `lost`: the sandbox ended first. `isCulprit`: it ended because of this very call. `unsent`: the call never reached it. */
export type CallResult =
  | { kind: 'answered'; answer: ScriptAnswer }
  | { kind: 'lost'; cause: EndCause; isCulprit: boolean }
  | { kind: 'unsent' }
/** `requestId`: of the request that the script ran for, where that is known. */
export type ScriptLine = { source: string | null; level: LogLevel; message: string; requestId: string | null }
export type Ask = { what: ScriptAsk; isExecute: boolean }
/** As `Omit`, of each member of a union by itself. */
export type Without<T, Key extends PropertyKey> = T extends unknown ? Omit<T, Key> : never
export type CallInput = Without<CallStart, 'kind' | 'call'>
/** What scripts may require: the hash of each module's text by its name, and a key that is another when they are. */
export type ModuleSet = { key: string; files: Record<string, string> }

/** What its runtime does for a call; `deadline` (`performance.now`) ends what it left running after its answer, too. */
export type CallHost = {
  ask: (ask: Ask) => Promise<AskOutcome>
  /** Nothing of the call goes on any more. */
  onOver: () => void
  /** It said something. */
  onLine: (message: string) => void
  deadline: number
  requestId: string
}
type Call = CallHost & { resolve: (result: CallResult) => void; isAnswered: boolean }

/** Whose sandbox it is. `environment`, `config`: what scripts find there. */
export type Owner = {
  environment: Record<string, string>
  config: Record<string, unknown>
  /** Where its npm modules are, as it sees them. */
  modules: string | null
  log: (line: ScriptLine) => void
  onEnd: () => void
}

export class SandboxProcess {
  readonly #child: ChildProcess
  readonly #channel: Duplex
  readonly #writer: FrameWriter
  readonly #calls = new Map<number, Call>()
  readonly #known = new Set<string>()
  #modules: { key: string; hashes: Set<string> } | null = null
  /** What was done once for the modules that it has. */
  #begun: { key: string; done: Promise<void> } | null = null
  readonly #ready: Promise<Sight | null>
  #takeSight: (sight: Sight | null) => void = () => {}
  #lastCall = 0
  #asks = 0
  #ping: { number: number; sentAt: number } | null = null
  #timer: NodeJS.Timeout | null = null
  #owner: Owner | null = null
  #isSilent = false
  #isNice = false
  #open = 0
  #isReady = false
  #end: EndCause | null = null
  /** When it last answered a ping. */
  #heardAt = Number.NEGATIVE_INFINITY
  #culprit: number | null = null
  #culpritRequest: string | null = null
  #tail = ''
  #window = { since: 0, bytes: 0, messages: 0 }
  /** When the last call ended; for the choice of the one that was idle longest. */
  idleSince = performance.now()

  /** Starts it, for whom it may concern: it runs nothing before it has an owner. */
  constructor({ file, args }: Command) {
    // A session of its own: Ctrl-C on a terminal is for us. What ends it is our own end.
    this.#child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe', 'pipe'], cwd: '/', env: {}, detached: true })
    // Those who serve everybody come first: runtimes and PostgreSQL.
    if (this.#child.pid !== undefined) giveWay(this.#child.pid, constants.priority.PRIORITY_BELOW_NORMAL)
    this.#channel = this.#child.stdio[3] as Duplex
    // What many ask for at once wakes it once.
    this.#writer = new FrameWriter(this.#channel, setImmediate)
    this.#ready = new Promise((resolve) => {
      this.#takeSight = resolve
    })
    const startTimer = setTimeout(
      () => this.stop({ kind: 'not_started', detail: 'it took too long', isLate: true }),
      SANDBOX_START_MS_MAX,
    )
    this.#ready.then(() => clearTimeout(startTimer)).catch(() => {})
    this.#child.once('error', (error) => this.#ended({ kind: 'not_started', detail: messageOf(error) }))
    this.#child.once('exit', (code, signal) => {
      // What it wrote last may still lie in the pipes.
      setImmediate(() => this.#ended(endOf({ code, signal, wasReady: this.#isReady, tail: this.#tail })))
    })
    for (const stream of [this.#child.stdout, this.#child.stderr]) if (stream) this.#keepTail(stream)
    this.#listen()
  }

  /** Gives it to a service, for good. */
  adopt(owner: Owner): void {
    this.#owner = owner
    this.idleSince = performance.now()
    const { environment, config, modules } = owner
    this.#say({ kind: 'hello', environment, config, limits: LIMITS, modules })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** It runs, and can be given calls. */
  get isReady(): boolean {
    return this.#isReady && this.#end === null
  }

  get isEnded(): boolean {
    return this.#end !== null
  }

  get isIdle(): boolean {
    return this.#open === 0
  }

  /** Calls that wait for their answer. */
  get open(): number {
    return this.#open
  }

  /** The request whose script ended it, where that is known. */
  get culpritRequest(): string | null {
    return this.#culpritRequest
  }

  /** True while it owes an answer to a ping for too long. */
  get isBlocked(): boolean {
    return this.#isSilent
  }

  /** True once it was slowed down, which cannot be undone: it is replaced when it answers again. */
  get isSlowed(): boolean {
    return this.#isNice
  }

  /** What it sees of the machine, once it runs; null when it could not be started. */
  async ready(): Promise<Sight | null> {
    return await this.#ready
  }

  knows(hash: string): boolean {
    return this.#known.has(hash)
  }

  /** True when it has that very set. */
  knowsModules({ key }: ModuleSet): boolean {
    return this.#modules?.key === key
  }

  /** Gives it these modules in place of those that it had. `texts`: all of theirs, by hash. */
  teach({ key, files }: ModuleSet, texts: Map<string, string>): void {
    if (this.#modules?.key === key) return
    for (const [hash, text] of texts) if (!this.#modules?.hashes.has(hash)) this.#say({ kind: 'text', hash, text })
    this.#say({ kind: 'modules', key, files })
    this.#modules = { key, hashes: new Set(Object.values(files)) }
  }

  /** Does that once while it has those modules; whoever comes meanwhile waits for it, too. */
  async once({ key }: ModuleSet, work: () => Promise<void>): Promise<void> {
    if (this.#begun?.key !== key) this.#begun = { key, done: work() }
    await this.#begun.done
  }

  /** Runs a script. The text must be given unless the script is known. */
  call(input: CallInput, host: CallHost): { number: number; result: Promise<CallResult> } {
    const number = ++this.#lastCall
    if (this.#end || !this.#isReady || !this.#say({ kind: 'call', call: number, ...input })) {
      host.onOver()
      return { number, result: Promise.resolve({ kind: 'unsent' }) }
    }
    if (input.script.text !== null) this.#known.add(input.script.hash)
    this.#open += 1
    const result = new Promise<CallResult>((resolve) =>
      this.#calls.set(number, { ...host, resolve, isAnswered: false }),
    )
    // One that answered a moment ago is asked again by the watch, soon enough.
    if (performance.now() - this.#heardAt > SANDBOX_PING_EVERY_MS / 2) this.#sendPing()
    if (this.#open === 1) this.#watch()
    return { number, result }
  }

  /** The time of this call is over: it is not waited for, and what it left running ends. */
  forget(call: number): void {
    const found = this.#calls.get(call)
    if (!found) return
    this.#close(found)
    this.#remove(call, found)
    this.#say({ kind: 'over', call })
  }

  /** Ends it at once; calls under way are lost for this reason. */
  stop(cause: EndCause): void {
    if (!this.#end) this.#child.kill('SIGKILL')
    this.#ended(cause)
  }

  // ---- its messages

  #listen(): void {
    const reader = new FrameReader(SANDBOX_MESSAGE_BYTES_MAX)
    this.#channel.on('error', () => {
      // Its exit tells the same.
    })
    this.#channel.on('data', (chunk: Buffer) => {
      try {
        const messages = reader.take(chunk)
        for (const message of messages) this.#take(message as FromSandbox)
        this.#slowDown(chunk.length, messages.length)
      } catch (error) {
        this.stop({ kind: 'broken_channel', detail: messageOf(error) })
      }
    })
  }

  // Whoever sends without end is read slowly; its own writes fill up, and nobody else notices.
  #slowDown(bytes: number, messages: number): void {
    const now = performance.now()
    if (now - this.#window.since > SANDBOX_TAKE_MS) this.#window = { since: now, bytes: 0, messages: 0 }
    this.#window.bytes += bytes
    this.#window.messages += messages
    if (this.#window.bytes < SANDBOX_TAKE_BYTES_MAX && this.#window.messages < SANDBOX_TAKE_MESSAGES_MAX) return
    this.#channel.pause()
    const leftMs = Math.max(1, this.#window.since + SANDBOX_TAKE_MS - now)
    setTimeout(() => this.#channel.resume(), leftMs).unref()
  }

  // What comes from there is not to be trusted: unknown numbers and kinds mean nothing.
  #take(message: FromSandbox): void {
    switch (message.kind) {
      case 'ready':
        this.#isReady = true
        this.#takeSight(message.sight)
        break
      case 'pong':
        if (message.ping !== this.#ping?.number) break
        this.#ping = null
        this.#heardAt = performance.now()
        this.#isSilent = false
        break
      case 'ask':
        this.#carryOut(message.call, message.ask, { what: message.what, isExecute: message.isExecute })
        break
      case 'last':
        this.#carryOutLast(message)
        break
      case 'answer':
        this.#settle(message.call, { kind: 'answered', answer: message.answer })
        break
      case 'done':
        this.#takeDone(message.call)
        break
      case 'log':
        this.#log(message)
        break
      case 'ending':
        this.#culprit = message.call
        this.#culpritRequest = this.#requestOf(message.call)
        this.stop({
          kind: 'script',
          detail: textOf(message.message, SCRIPT_LOG_CHARACTERS_MAX),
          source: sourceOf(message),
        })
        break
    }
  }

  #carryOut(call: number, ask: number, wanted: Ask): void {
    const tell = (outcome: AskOutcome) => {
      if (this.#say({ kind: 'told', ask, outcome })) return
      const message = 'The rows are too large to be read at once: read them in parts, or select less.'
      this.#say({ kind: 'told', ask, outcome: { kind: 'failed', status: 500, message } })
    }
    const found = this.#calls.get(call)
    if (!found || this.#asks >= SANDBOX_ASKS_MAX) {
      const message = found ? 'Too many operations at once.' : 'The request is over: its operations are no longer done.'
      tell({ kind: 'failed', status: 503, message })
      return
    }
    this.#asks += 1
    const failed = (error: unknown): AskOutcome => ({ kind: 'failed', status: 500, message: messageOf(error) })
    found
      .ask(wanted)
      .catch(failed)
      .then((outcome) => {
        this.#asks -= 1
        tell(outcome)
      })
      .catch(() => {
        // It ended meanwhile.
      })
  }

  // The script has done its part: it owes no answer any more, and the end of its sandbox is not the request's.
  #carryOutLast({ call, what, body }: Extract<FromSandbox, { kind: 'last' }>): void {
    const found = this.#calls.get(call)
    if (!found || found.isAnswered) return
    this.#close(found)
    this.#calls.delete(call)
    found
      .ask({ what, isExecute: true })
      .then((outcome) => found.resolve({ kind: 'answered', answer: answerOfLeft(outcome, body, what) }))
      .catch((error: unknown) => {
        found.resolve({ kind: 'answered', answer: { kind: 'failed', message: messageOf(error) } })
      })
      .finally(() => found.onOver())
      .catch(() => {
        // It was over before.
      })
  }

  #settle(call: number, result: CallResult): void {
    const found = this.#calls.get(call)
    if (!found) return
    found.resolve(result)
    this.#close(found)
    // A script may go on after its answer, within the time of its request and within reason.
    const [oldest] = [...this.#calls].filter(([, { isAnswered }]) => isAnswered)
    if (oldest && this.#calls.size - this.#open > SANDBOX_CALLS_MAX) this.forget(oldest[0])
  }

  #takeDone(number: number): void {
    const call = this.#calls.get(number)
    if (call?.isAnswered) this.#remove(number, call)
  }

  #remove(number: number, call: Call): void {
    this.#calls.delete(number)
    call.onOver()
  }

  #close(call: Call): void {
    if (call.isAnswered) return
    call.isAnswered = true
    this.#open -= 1
    this.idleSince = performance.now()
  }

  // What it says of itself is cut there, too; but anything may come from there.
  #log(line: { call: unknown; source: unknown; level: unknown; message: unknown }): void {
    const level = line.level === 'warn' || line.level === 'error' ? line.level : 'info'
    const requestId = this.#requestOf(line.call)
    const message = textOf(line.message, SCRIPT_LOG_CHARACTERS_MAX + CUT_ROOM)
    if (typeof line.call === 'number') this.#calls.get(line.call)?.onLine(message)
    this.#owner?.log({ source: textOf(line.source, SOURCE_LENGTH_MAX), level, message, requestId })
  }

  // A sandbox may say any number: only calls that it has now are looked up.
  #requestOf(call: unknown): string | null {
    return typeof call === 'number' ? (this.#calls.get(call)?.requestId ?? null) : null
  }

  #keepTail(stream: Readable): void {
    stream.on('data', (chunk: Buffer) => {
      this.#tail = (this.#tail + chunk.toString('utf8')).slice(-SANDBOX_TAIL_BYTES)
    })
    stream.on('error', () => {})
  }

  // ---- is it alive?

  #watch(): void {
    if (this.#timer) clearTimeout(this.#timer)
    if (this.#end) return
    const everyMs = this.isIdle && !this.#ping ? SANDBOX_IDLE_PING_EVERY_MS : SANDBOX_PING_EVERY_MS
    this.#timer = setTimeout(() => {
      // Its answer may lie unread while we ourselves were busy: first read what is there, then judge.
      setImmediate(() => {
        this.#judge()
        this.#sendPing()
        this.#watch()
      })
    }, everyMs)
    this.#timer.unref()
  }

  #judge(): void {
    this.#forgetOld()
    if (!this.#ping) return
    const silentMs = performance.now() - this.#ping.sentAt
    if (silentMs > SANDBOX_END_MS) this.stop({ kind: 'blocked' })
    else this.#isSilent = silentMs > SANDBOX_BLOCKED_MS
    if (silentMs > SANDBOX_NICE_MS) this.#makeNice()
  }

  #forgetOld(): void {
    const now = performance.now()
    for (const [number, { isAnswered, deadline }] of this.#calls) if (isAnswered && now > deadline) this.forget(number)
  }

  // One that computes without end must not cost others more than it has to.
  #makeNice(): void {
    if (this.#isNice || this.#end) return
    this.#isNice = true
    const node = lastDescendant(this.pid)
    if (node === null) return
    giveWay(node, constants.priority.PRIORITY_LOW)
  }

  #sendPing(): void {
    if (this.#ping || this.#end) return
    // A number that cannot be guessed: whoever answers has read it.
    const number = randomInt(2 ** 47)
    this.#ping = { number, sentAt: performance.now() }
    this.#say({ kind: 'ping', ping: number })
  }

  // ---- its end

  #ended(cause: EndCause): void {
    if (this.#end) return
    this.#end = cause
    if (this.#timer) clearTimeout(this.#timer)
    this.#takeSight(null)
    this.#channel.destroy()
    for (const [number, { resolve, onOver }] of this.#calls) {
      onOver()
      // Where nobody knows which call it was, it can only have been the one that was alone.
      const isCulprit = this.#culprit === null ? this.#open === 1 : this.#culprit === number
      resolve({ kind: 'lost', cause, isCulprit })
    }
    this.#calls.clear()
    this.#owner?.onEnd()
  }

  get cause(): EndCause | null {
    return this.#end
  }

  #say(message: unknown): boolean {
    const frame = frameOf(message, SANDBOX_MESSAGE_BYTES_MAX)
    if (!frame || this.#channel.destroyed) return false
    this.#writer.write(frame, { isUrgent: false })
    // Whoever asks and does not read would fill our memory.
    if (this.#channel.writableLength > SANDBOX_UNREAD_BYTES_MAX) {
      this.stop({ kind: 'broken_channel', detail: 'questions, and reads no answers' })
    }
    return true
  }
}

const SOURCE_LENGTH_MAX = 200
/** For the words that say that a line was cut. */
const CUT_ROOM = 100

function textOf(value: unknown, lengthMax: number): string {
  return String(value).slice(0, lengthMax)
}

function sourceOf({ source }: { source: unknown }): string | null {
  return source === null ? null : textOf(source, SOURCE_LENGTH_MAX)
}

const LIMITS = {
  rowsMax: SCRIPT_ROWS_MAX,
  timersMax: SCRIPT_TIMERS_MAX,
  logCharactersMax: SCRIPT_LOG_CHARACTERS_MAX,
  messageBytesMax: SANDBOX_MESSAGE_BYTES_MAX,
  jobIdleMs: JOB_IDLE_MS,
}

// The process at the end of the chain that we started, which is Node itself; null where the kernel does not tell.
function lastDescendant(pid: number): number | null {
  try {
    const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')
    return child ? lastDescendant(Number(child)) : pid
  } catch {
    return null
  }
}
