// One call of a script: a fresh V8 context, the script compiled once for all its calls, timers that end with the call.
import { AsyncLocalStorage } from 'node:async_hooks'
import { createRequire } from 'node:module'
import { format, types } from 'node:util'
import { createContext, Script } from 'node:vm'
import { filterOfFunction } from './filter-function.ts'
import type { AskOutcome, CallStart, FromSandbox, SandboxLimits } from './messages.ts'
import { scriptQueries } from './script-queries.ts'
import { type ScriptSide, scriptSide } from './script-side.ts'
import { DATE_KEY } from './wire.ts'

/** Which call the code that runs now belongs to, across timers and callbacks. */
export const runningCall = new AsyncLocalStorage<{ call: number; source: string }>()

export type CallDeps = {
  say: (message: FromSandbox) => void
  limits: SandboxLimits
  nextAsk: () => number
  /** Nothing of the call waits any more. */
  onDone: () => void
}

const CUT_TEXT = ' [log truncated]'
// Those that do something useful without network, processes, threads or files. The rest would only fail later.
const MODULES = new Set([
  'assert',
  'assert/strict',
  'async_hooks',
  'buffer',
  'crypto',
  'diagnostics_channel',
  'events',
  'os',
  'path',
  'path/posix',
  'path/win32',
  'perf_hooks',
  'punycode',
  'querystring',
  'stream',
  'stream/promises',
  'string_decoder',
  'timers',
  'timers/promises',
  'url',
  'util',
  'util/types',
  'zlib',
])
const SHARED = { Buffer, process, URL, URLSearchParams, TextEncoder, TextDecoder, structuredClone, queueMicrotask }

const require = createRequire('/')
const inside = new Script(`({ scriptSide: ${scriptSide}, scriptQueries: ${scriptQueries} })`, { filename: 'mainstay' })

export class ScriptCall {
  readonly #start: CallStart
  readonly #deps: CallDeps
  readonly #asks = new Map<number, (outcome: AskOutcome) => void>()
  readonly #timers = new Set<NodeJS.Timeout | NodeJS.Immediate>()
  #isAnswered = false

  constructor(start: CallStart, deps: CallDeps) {
    this.#start = start
    this.#deps = deps
  }

  /** Runs the script until it first waits. The answer is said, not returned. */
  run(script: Script): void {
    const { call, script: about } = this.#start
    runningCall.run({ call, source: about.source }, () => {
      const context = createContext({}, { name: about.source })
      const made = inside.runInContext(context) as { scriptSide: ScriptSide; scriptQueries: typeof scriptQueries }
      const { run } = made.scriptSide(this.#start, this.#outside(), made.scriptQueries(filterOfFunction))
      try {
        script.runInContext(context)
      } catch (error) {
        this.#answerFailed(error)
        return
      }
      run(context[this.#start.operation])
    })
    this.#endIfDone()
  }

  /** True when the outcome was for this call. */
  tell(ask: number, outcome: AskOutcome): boolean {
    const done = this.#asks.get(ask)
    if (!done) return false
    this.#asks.delete(ask)
    runningCall.run({ call: this.#start.call, source: this.#start.script.source }, () => done(outcome))
    this.#endIfDone()
    return true
  }

  /** Ends what it left behind. */
  end(): void {
    for (const timer of this.#timers) clearTimer(timer)
    this.#timers.clear()
    this.#asks.clear()
  }

  #outside(): Parameters<ScriptSide>[1] {
    const { call, script } = this.#start
    const { say, limits, nextAsk } = this.#deps
    return {
      ask: (what, isExecute, done) => {
        const ask = nextAsk()
        this.#asks.set(ask, done)
        say({ kind: 'ask', call, ask, what, isExecute })
      },
      answer: (answer) => {
        this.#isAnswered = true
        say({ kind: 'answer', call, answer })
        // Answered in a promise or a timer: then nobody else looks.
        setImmediate(() => this.#endIfDone())
      },
      log: (level, values) => {
        const text = format(...values)
        const isCut = text.length > limits.logCharactersMax
        const message = isCut ? text.slice(0, limits.logCharactersMax) + CUT_TEXT : text
        say({ kind: 'log', call, source: script.source, level, message })
      },
      require: requireModule,
      timers: this.#timerFunctions(),
      shared: SHARED,
      describe,
      rowsMax: limits.rowsMax,
      dateKey: DATE_KEY,
    }
  }

  #timerFunctions(): Parameters<ScriptSide>[1]['timers'] {
    const timers = this.#timers
    const { timersMax } = this.#deps.limits
    const keep = <T extends NodeJS.Timeout | NodeJS.Immediate>(make: () => T): T => {
      if (timers.size >= timersMax) throw new RangeError(`A script may have at most ${timersMax} timers at once.`)
      const timer = make()
      timers.add(timer)
      return timer
    }
    const once = (make: (work: () => void) => NodeJS.Timeout | NodeJS.Immediate, work: () => void) => {
      const timer = keep(() =>
        make(() => {
          timers.delete(timer)
          work()
          this.#endIfDone()
        }),
      )
      return timer
    }
    const clear = (given: unknown) => {
      for (const timer of timers) {
        if (timer !== given && Number(timer) !== given) continue
        clearTimer(timer)
        timers.delete(timer)
      }
      this.#endIfDone()
    }
    return {
      setTimeout: (work, ms) => once((then) => setTimeout(then, ms), work),
      setImmediate: (work) => once((then) => setImmediate(then), work),
      setInterval: (work, ms) => keep(() => setInterval(work, ms)),
      clearTimeout: clear,
      clearInterval: clear,
      clearImmediate: clear,
    }
  }

  #endIfDone(): void {
    if (!this.#isAnswered || this.#timers.size > 0 || this.#asks.size > 0) return
    this.#isAnswered = false
    this.#deps.onDone()
  }

  #answerFailed(error: unknown): void {
    this.#isAnswered = true
    const answer = { kind: 'failed' as const, message: describe(error) }
    this.#deps.say({ kind: 'answer', call: this.#start.call, answer })
  }
}

/** Compiles a script. Throws what V8 says of its syntax. */
export function compile(source: string, text: string): Script {
  // On the same line, so that lines in stacks are those of the file.
  return new Script(`"use strict";${text}`, { filename: `<${source}>` })
}

/** What is known of a thrown value, with the script's own frames only: ours would tell nobody anything. */
export function describe(error: unknown): string {
  const isError = types.isNativeError(error)
  const text = isError ? (error.stack ?? String(error)) : format('%s', error)
  const lines = text.split('\n')
  const shown = lines.map((line) =>
    /^\s+at /.test(line) && !line.includes('</table/') ? '    at [external code]' : line,
  )
  return shown.filter((line, index) => line !== shown[index - 1]).join('\n')
}

function requireModule(name: string): unknown {
  const bare = name.replace(/^node:/, '')
  if (MODULES.has(bare)) return require(bare)
  throw new Error(
    `Cannot find module '${name}': scripts can require these modules of Node: ${[...MODULES].join(', ')}.`,
  )
}

function clearTimer(timer: NodeJS.Timeout | NodeJS.Immediate): void {
  if ('hasRef' in timer && 'refresh' in timer) clearTimeout(timer)
  else clearImmediate(timer as NodeJS.Immediate)
}
