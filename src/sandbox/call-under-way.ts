// What one call has under way in a sandbox: operations that it asked for, timers, and whether it was answered. It is
// over when it was answered and nothing of it waits any more.
import { AsyncLocalStorage } from 'node:async_hooks'
import { format } from 'node:util'
import { describe } from './errors.ts'
import type { CallGlobals } from './kept-contexts.ts'
import type {
  AskOutcome,
  FromSandbox,
  LeftBody,
  LogLevel,
  SandboxLimits,
  ScriptAnswer,
  ScriptAsk,
  TableAsk,
} from './messages.ts'
import { Timers } from './timers.ts'

export type CallDeps = {
  say: (message: FromSandbox) => void
  limits: SandboxLimits
  nextAsk: () => number
  /** Nothing of the call waits any more, and the runtime was told. */
  onDone: () => void
}

/** What is left to the runtime: see the message `last`. */
export type Left = { body: LeftBody }
/**
 * The request's own operation. `left` says at the end of the turn what the runtime needs to answer by itself; null: the
 * script wants to see what comes of it.
 */
export type Execution = {
  /** Nothing asked for later counts on it, and whether its rows are wanted shows at the end of the turn only. */
  isRead: boolean
  what: () => TableAsk
  left: () => Left | null
  done: (outcome: AskOutcome) => void
}

/** `call` null: none, a module by itself. */
export type Running = { call: CallUnderWay | null; source: string; timers: Timers }
/** Which call the code that runs now belongs to, across timers and callbacks. */
export const running = new AsyncLocalStorage<Running>()

const CUT_TEXT = ' [log truncated]'
const OVER: AskOutcome = {
  kind: 'failed',
  status: 503,
  message: 'The request is over: its operations are no longer done.',
}

/** How often a call that is over hears that: one that asks again whenever it fails comes to an end. */
const REFUSED_MAX = 100

const turnsEnd: (() => void)[] = []
const asNobody = AsyncLocalStorage.snapshot()
// As it is now: scripts have the same `process`.
const nextTick = process.nextTick.bind(process)

/** Has that done when all that was promised in this turn has had its turn, in the order in which it was asked for. */
export function atTurnsEnd(work: () => void): void {
  turnsEnd.push(work)
  if (turnsEnd.length > 1) return
  const end = () => {
    for (const one of turnsEnd.splice(0)) one()
  }
  // Promises come after ticks, and a tick that they set comes when none of them is left.
  asNobody(() => queueMicrotask(() => nextTick(end)))
}

export class CallUnderWay {
  readonly number: number
  readonly source: string
  readonly #deps: CallDeps
  readonly #asks = new Map<number, (outcome: AskOutcome) => void>()
  /** Asks for its operation, where that waits for the end of the turn. */
  #held: { send: () => void; isRead: boolean } | null = null
  readonly timers: Timers
  /** What its script finds on the global object. */
  globals: CallGlobals | null = null
  /** What its script gets by a name. */
  require: (name: string) => unknown = () => undefined
  /** What it was given may come back to its context without being seen: that one is for no other call. */
  isContextSpent = false
  readonly #onOver: (() => void)[] = []
  /** It has its one answer. */
  #isAnswered = false
  #isOver = false
  #isLooking = false
  #refused = 0

  constructor(number: number, source: string, deps: CallDeps) {
    this.number = number
    this.source = source
    this.#deps = deps
    this.timers = new Timers({
      max: deps.limits.timersMax,
      onIdle: () => this.#endSoon(),
      onRefused: () => this.log('error', ['The request is over: its timers no longer begin.']),
    })
  }

  /** Runs a part of the call: what it begins belongs to the call. */
  run(work: () => void): void {
    running.run({ call: this, source: this.source, timers: this.timers }, work)
    this.#endSoon()
  }

  /** Asks the runtime; returns what gives the answer up. */
  ask(what: ScriptAsk, isExecute: boolean, done: (outcome: AskOutcome) => void): () => void {
    if (this.#isOver) {
      this.#refused += 1
      if (this.#refused <= REFUSED_MAX) this.tellSoon(OVER, done)
      return () => {}
    }
    this.#sendHeldWrite()
    const ask = this.#deps.nextAsk()
    this.#asks.set(ask, done)
    this.#deps.say({ kind: 'ask', call: this.number, ask, what, isExecute })
    return () => {
      this.#asks.delete(ask)
      this.#endSoon()
    }
  }

  /**
   * Has the request's own operation done, at the end of this turn; a write before anything else that is asked for. When
   * nothing else of the call goes on then, and nothing of it wants to see what comes, the rest is left to the runtime:
   * the app has its answer without a way back to here, and the call is over already.
   */
  execute({ isRead, what, left, done }: Execution): void {
    if (this.#isOver) {
      this.ask(what(), true, done)
      return
    }
    const ask = this.#deps.nextAsk()
    this.#asks.set(ask, done)
    const send = () => {
      this.#held = null
      this.#deps.say({ kind: 'ask', call: this.number, ask, what: what(), isExecute: true })
    }
    this.#held = { send, isRead }
    atTurnsEnd(() => {
      // Asked for meanwhile, or over.
      if (!this.#held) return
      this.run(() => {
        try {
          this.#leaveOrAsk(what, left)
        } catch (error) {
          this.fail(error)
        }
      })
    })
  }

  #leaveOrAsk(what: () => TableAsk, left: () => Left | null): void {
    const isAlone = this.timers.count === 0 && this.#asks.size === 1 && !this.#isAnswered && !this.isContextSpent
    const leaves = isAlone ? left() : null
    // To write the item as JSON may have asked for something, and so for this before it.
    if (!this.#held) return
    if (leaves === null) {
      this.#held.send()
      return
    }
    const last = { kind: 'last' as const, call: this.number, what: what(), ...leaves }
    this.#held = null
    this.#asks.clear()
    this.#isAnswered = true
    this.#endWith(last)
  }

  #sendHeldWrite(): void {
    if (this.#held && !this.#held.isRead) this.#held.send()
  }

  /** Tells that outcome a turn later, as if it had been asked for. */
  tellSoon(outcome: AskOutcome, done: (outcome: AskOutcome) => void): void {
    const ask = this.#deps.nextAsk()
    this.#asks.set(ask, done)
    setImmediate(() => this.tell(ask, outcome))
  }

  /** True when the outcome was for this call. */
  tell(ask: number, outcome: AskOutcome): boolean {
    const done = this.#asks.get(ask)
    if (!done) return false
    this.#asks.delete(ask)
    this.run(() => done(outcome))
    return true
  }

  /** Gives its answer; there is one only. */
  answer(answer: ScriptAnswer): void {
    if (this.#isAnswered) return
    this.#sendHeldWrite()
    this.#isAnswered = true
    this.#deps.say({ kind: 'answer', call: this.number, answer })
    // Answered in a promise or a timer: then nobody else looks.
    this.#endSoon()
  }

  /** Ends it as failed; what fails after its answer stands in the log. */
  fail(error: unknown): void {
    const message = describe(error)
    if (this.#isAnswered) this.log('error', [`After its answer: ${message}`])
    else this.answer({ kind: 'failed', message })
  }

  log(level: LogLevel, values: unknown[]): void {
    this.#deps.say(logLine(this.number, this.source, { level, values }, this.#deps.limits))
  }

  /** Gives this answer as soon as nothing of it waits any more, and did not for a moment. */
  answerWhenIdle(answer: ScriptAnswer): void {
    const look = () => {
      if (this.#isAnswered) return
      const isIdle = () => this.timers.count === 0 && this.#asks.size === 0
      setTimeout(() => (isIdle() ? this.answer(answer) : look()), this.#deps.limits.jobIdleMs)
    }
    look()
  }

  /** Has that done when it is over, if it comes to an end by itself. */
  whenOver(work: () => void): void {
    this.#onOver.push(work)
  }

  /** Ends what it left behind. Whatever still waits for an operation hears that it is not done. */
  end(): void {
    this.#isOver = true
    this.#held = null
    this.timers.end()
    const asks = [...this.#asks.values()]
    this.#asks.clear()
    for (const done of asks) this.run(() => done(OVER))
  }

  // What was promised has its turn first: it may begin something.
  #endSoon(): void {
    if (this.#isLooking || this.#isOver || !this.#isAnswered) return
    this.#isLooking = true
    setImmediate(() => {
      this.#isLooking = false
      this.#endIfDone()
    })
  }

  #endIfDone(): void {
    if (this.#isOver || this.timers.count > 0 || this.#asks.size > 0) return
    this.#endWith({ kind: 'done', call: this.number })
  }

  #endWith(lastWord: FromSandbox): void {
    this.#isOver = true
    this.timers.end()
    this.#deps.say(lastWord)
    this.#deps.onDone()
    for (const work of this.#onOver) work()
  }
}

/** What `console` is given, as a line of the log. */
export function logLine(
  call: number | null,
  source: string,
  { level, values }: { level: LogLevel; values: unknown[] },
  { logCharactersMax }: SandboxLimits,
): FromSandbox {
  const text = format(...values)
  const message = text.length > logCharactersMax ? text.slice(0, logCharactersMax) + CUT_TEXT : text
  return { kind: 'log', call, source, level, message }
}
