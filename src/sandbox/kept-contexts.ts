// The contexts in which table scripts run: one call at a time, and after it the next call of the same script. The
// script is a function in it, begun anew by each call, so that nothing of its own is left of the one before. What a
// call left behind on the global object is taken away; where that cannot be done, or is not certain, the context is
// not used again; nor is one in which JavaScript's own objects were changed. To see all that costs more than a small
// script itself, so a script whose text shows that it leaves nothing (tame-scripts.ts) is spared it nearly always.
import { Script } from 'node:vm'
import { type CallUnderWay, running } from './call-under-way.ts'
import { type Inside, makeContext } from './contexts.ts'
import { Intrinsics, NAMELESS } from './intrinsics.ts'

/** A script of a table: evaluates to a function that runs its text and gives the functions that it defines, by name. */
export type TableScript = {
  source: string
  hash: string
  script: Script
  /** Nothing that it uses comes back to it unseen. */
  isSelfContained: boolean
  /** It leaves nothing behind: its text shows that. */
  isTame: boolean
}
/** The globals of a call. */
export type CallGlobals = { tables: unknown; mssql: unknown; push: unknown; exports: unknown }
/** Runs the text of a script, and gives the functions that it defines. */
export type Begin = () => Record<string, unknown> | undefined

/**
 * Contexts that wait for a call; each takes about 0.6 MB, a third of that of the heap. Scripts that wait for their
 * operations have one meanwhile: for so many at once none has to be made, which takes as long as twenty calls.
 */
const IDLE_MAX = 64
/** As many wait in any case. Of more, those that nobody needed for so long are given up. */
const IDLE_KEPT = 16
const UNNEEDED_MS = 10_000
/** What calls leave in places where nobody looks does not gather for ever. */
const CALLS_MAX = 1_000
/** To look at all that a context has costs as much as ten small scripts: of tame ones it is done this seldom. */
const TAME_CALLS = 100
/** Nor do they leave anything anywhere, and code that is run for long is compiled well. */
const TAME_CALLS_MAX = 100_000

const OF_CALLS = ['tables', 'mssql', 'push', 'exports'] as const
/** The global object as scripts see it. */
export const SELF = new Script('globalThis')
const OBJECT_PROTOTYPE = new Script('Object.prototype')

/** Puts the globals of a call, of whichever one it is then, where scripts find them. */
export function showGlobals(global: object, globalsNow: () => CallGlobals | null): void {
  for (const name of OF_CALLS) {
    const get = () => globalsNow()?.[name]
    // A script that puts something else in its place has it for its own call.
    const set = (value: unknown) => {
      const globals = globalsNow()
      if (globals) Object.defineProperty(globals, name, { value, configurable: true })
    }
    Object.defineProperty(global, name, { get, set, enumerable: true, configurable: true })
  }
}

/** One of them. */
export class ScriptContext {
  readonly source: string
  readonly hash: string
  readonly inside: Inside
  readonly #isTame: boolean
  readonly #begin: Begin
  readonly #self: object
  readonly #builtIn: Map<PropertyKey, unknown>
  readonly #intrinsics: Intrinsics
  readonly #clean: Map<PropertyKey, PropertyDescriptor>
  #current: CallUnderWay | null = null
  #calls = 0

  constructor({ source, hash, script, isTame }: TableScript) {
    this.source = source
    this.hash = hash
    this.#isTame = isTame
    const timersOf = () => this.#owner().timers
    this.inside = makeContext(source, {
      log: (level, values) => this.#owner().log(level, values),
      require: (name) => this.#owner().require(name),
      timers: {
        setTimeout: (work, ms) => timersOf().setTimeout(work, ms),
        setInterval: (work, ms) => timersOf().setInterval(work, ms),
        setImmediate: (work) => timersOf().setImmediate(work),
        clear: (timer) => timersOf().clear(timer),
      },
    })
    const { global } = this.inside
    showGlobals(global, () => this.#owner().globals)
    this.#self = this.inside.run(SELF) as object
    this.#begin = this.inside.run(script) as Begin
    this.#clean = ownOf(global)
    const builtIn = Reflect.ownKeys(this.#self).filter((name) => !this.#clean.has(name))
    this.#builtIn = new Map(builtIn.map((name) => [name, Reflect.get(this.#self, name)]))
    this.#intrinsics = new Intrinsics({
      self: this.#self,
      named: this.#builtIn,
      nameless: this.inside.run(NAMELESS) as object[],
      ours: this.#ours(),
    })
  }

  // What we put on the global object and made inside. The rest of it is of the outer world, and everybody's.
  #ours(): unknown[] {
    const prototype = this.inside.run(OBJECT_PROTOTYPE) as object
    const isInside = (value: unknown) => Object.prototype.isPrototypeOf.call(prototype, Object(value))
    const values = [...this.#clean.values()].map(({ value }) => value as unknown)
    return values.filter((value) => value !== this.#self && isInside(value))
  }

  /** Runs the script's text for a call, and gives what it defines by that name. */
  begin(call: CallUnderWay, name: string): unknown {
    this.#current = call
    this.#calls += 1
    return this.#begin.call(this.#self)?.[name]
  }

  /** Nothing need be looked at before the next call. */
  get isClean(): boolean {
    return this.#isTame && this.#calls % TAME_CALLS !== 0
  }

  /** Takes away what calls left; false when it is not to be used again. */
  clean(): boolean {
    if (this.isClean) return true
    try {
      return this.#takeAway()
    } catch {
      // What it left fails when it is looked at.
      return false
    }
  }

  #takeAway(): boolean {
    if (this.#calls >= (this.#isTame ? TAME_CALLS_MAX : CALLS_MAX) || !this.#intrinsics.areUntouched) return false
    const { global } = this.inside
    for (const [name, before] of this.#clean) {
      if (!isSame(before, Reflect.getOwnPropertyDescriptor(global, name))) {
        if (!Reflect.defineProperty(global, name, before)) return false
      }
    }
    for (const name of Reflect.ownKeys(global)) {
      if (this.#clean.has(name)) continue
      // In the place of something that JavaScript has: that is lost. What is new is on V8's own global object, too.
      if (this.#builtIn.has(name)) return false
      const isGone = Reflect.deleteProperty(global, name) && Reflect.deleteProperty(this.#self, name)
      if (!isGone || Reflect.has(this.#self, name)) return false
    }
    return true
  }

  // Whose code runs now: what an earlier call left running is still its own.
  #owner(): CallUnderWay {
    const owner = running.getStore()?.call ?? this.#current
    if (!owner) throw new Error('Nothing runs here.')
    return owner
  }
}

/** Those that wait for a call, and more when they are needed. */
export class KeptContexts {
  readonly #idle: ScriptContext[] = []
  /** Given back, and not looked at yet. */
  readonly #used: ScriptContext[] = []
  /** How many were there at least, since the last look at that. */
  #leastIdle = 0
  #look: NodeJS.Timeout | null = null

  /** How many wait. */
  get idle(): number {
    return this.#idle.length
  }

  /** One for the script, for a call of its own until it is given back. */
  take(script: TableScript): ScriptContext {
    const found = takeLast(this.#idle, script)
    this.#leastIdle = Math.min(this.#leastIdle, this.#idle.length)
    if (found) return found
    for (;;) {
      const used = takeLast(this.#used, script)
      if (!used) return new ScriptContext(script)
      if (used.clean()) return used
    }
  }

  /**
   * The call that had it is over. It is cleaned when nobody waits for that, and before another call has it. What is
   * clean already is the next one's: all of it is still near, and its code is compiled.
   */
  give(context: ScriptContext): void {
    if (context.isClean) {
      this.#keep(context)
      return
    }
    this.#used.push(context)
    if (this.#used.length > 1) return
    setImmediate(() => {
      for (const used of this.#used.splice(0)) if (used.clean()) this.#keep(used)
    })
  }

  #keep(context: ScriptContext): void {
    this.#idle.push(context)
    if (this.#idle.length > IDLE_MAX) this.#idle.shift()
    if (this.#idle.length > IDLE_KEPT) this.#look ??= this.#lookLater()
  }

  // The first in the list have waited longest.
  #lookLater(): NodeJS.Timeout {
    this.#leastIdle = this.#idle.length
    const timer = setTimeout(() => {
      this.#idle.splice(0, Math.max(0, this.#leastIdle - IDLE_KEPT))
      this.#look = this.#idle.length > IDLE_KEPT ? this.#lookLater() : null
    }, UNNEEDED_MS)
    return timer.unref()
  }
}

function takeLast(contexts: ScriptContext[], { source, hash }: TableScript): ScriptContext | undefined {
  const at = contexts.findLastIndex((one) => one.source === source && one.hash === hash)
  return at < 0 ? undefined : contexts.splice(at, 1)[0]
}

function ownOf(global: Record<string, unknown>): Map<PropertyKey, PropertyDescriptor> {
  const own = Object.getOwnPropertyDescriptors(global)
  return new Map(Object.keys(own).flatMap((name) => (own[name] ? [[name, own[name]]] : [])))
}

function isSame(before: PropertyDescriptor, now: PropertyDescriptor | undefined): boolean {
  if (now === undefined || before.value !== now.value || before.get !== now.get || before.set !== now.set) return false
  const { writable, enumerable, configurable } = before
  return writable === now.writable && enumerable === now.enumerable && configurable === now.configurable
}
