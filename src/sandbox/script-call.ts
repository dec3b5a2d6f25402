// One call of a table script, in a context that it has for itself meanwhile, or of a job, in a fresh one. The text is
// compiled once for all calls. Or a script is only begun, as a call would begin it.
import { Script } from 'node:vm'
import { isModuleText, moduleText } from '../kit/module-text.ts'
import type { CallUnderWay } from './call-under-way.ts'
import { type Inside, makeContext } from './contexts.ts'
import {
  type Begin,
  type CallGlobals,
  type KeptContexts,
  SELF,
  showGlobals,
  type TableScript,
} from './kept-contexts.ts'
import type { JobStart, LoadStart, SandboxLimits, ScriptAnswer, TableStart } from './messages.ts'
import { pushOutside } from './push-calls.ts'
import type { Tables } from './script-tables.ts'
import { sqlOutside } from './sql-calls.ts'
import { isTame } from './tame-scripts.ts'
import { DATE_KEY } from './wire.ts'

/** What a call runs with. `require`: what the script gets by a name. */
export type CallTools = { limits: SandboxLimits; require: (name: string) => unknown }

/** What a script has for the operation or the job that it is of; `isModern`: it is exported. */
type Found = { main: unknown; isModern: boolean }

/** Runs a table's script until it first waits. */
export function callTableScript(
  start: TableStart,
  script: TableScript,
  call: CallUnderWay,
  { limits, require, contexts }: CallTools & { contexts: KeptContexts },
): void {
  call.require = require
  call.run(() => {
    const context = contexts.take(script)
    call.whenOver(() => {
      if (!call.isContextSpent) contexts.give(context)
    })
    const { inside } = context
    const tables = giveTables(start, inside, call, limits)
    const outside = {
      ask: call.ask.bind(call),
      execute: call.execute.bind(call),
      answer: (given: ScriptAnswer) => call.answer(given),
      isSelfContained: script.isSelfContained,
      isTame: script.isTame,
    }
    const side = inside.scriptSide(start, outside, inside.queries, tables)
    let found: Found
    try {
      found = foundIn(context.begin(call, start.operation), call, start.operation)
    } catch (error) {
      call.fail(error)
      return
    }
    if (found.isModern) side.runModern(found.main as () => unknown)
    else side.run(found.main)
  })
}

/** Runs a job until it first waits. */
export function callJob(start: JobStart, script: Script, call: CallUnderWay, tools: CallTools): void {
  call.run(() => {
    let main: unknown
    try {
      main = beginJob(start, script, call, tools)
    } catch (error) {
      call.fail(error)
      return
    }
    runJob(start.name, main, call)
  })
}

/** Begins a script, and calls nothing. Fails as each call of it would, also where it defines nothing to be called. */
export function loadScript(start: LoadStart, script: Script, call: CallUnderWay, tools: CallTools): void {
  call.run(() => {
    try {
      if (start.of === 'table') requireFunction(start.operation, beginTable(start, script, call, tools).main)
      else requireFunction(start.name, beginJob(start, script, call, tools))
      call.answer({ kind: 'default', body: null })
    } catch (error) {
      call.fail(error)
    }
  })
}

// In a context for this once, which nobody has to look after.
function beginTable(
  start: Extract<LoadStart, { of: 'table' }>,
  script: Script,
  call: CallUnderWay,
  { limits, require }: CallTools,
): Found {
  const inside = makeContext(start.script.source, { log: call.log.bind(call), require, timers: call.timers })
  giveTables(start, inside, call, limits)
  showGlobals(inside.global, () => call.globals)
  const begin = inside.run(script) as Begin
  return foundIn(begin.call(inside.run(SELF))?.[start.operation], call, start.operation)
}

function giveTables({ table }: { table: string }, inside: Inside, call: CallUnderWay, limits: SandboxLimits): Tables {
  const tables = tablesOf(call, inside, limits)
  const globals = new Globals(call, inside, tables)
  globals.tables = { getTable: tables.getTable, current: tables.getTable(table) }
  call.globals = globals
  return tables
}

// What is exported goes before what is defined.
function foundIn(defined: unknown, call: CallUnderWay, operation: string): Found {
  const exported = exportedAs(operation, call.globals?.exports)
  if (typeof exported === 'function') return { main: exported, isModern: true }
  return { main: exported ?? defined, isModern: false }
}

// Runs its text, and gives what it defines for the job.
function beginJob(
  { name, script: { source } }: Pick<JobStart, 'name' | 'script'>,
  script: Script,
  call: CallUnderWay,
  { limits, require }: CallTools,
): unknown {
  const inside = makeContext(source, { log: call.log.bind(call), require, timers: call.timers })
  const tables = tablesOf(call, inside, limits)
  const globals = new Globals(call, inside, tables)
  globals.tables = { getTable: tables.getTable }
  showGlobals(inside.global, () => globals)
  inside.run(script)
  return exportedAs(name, globals.exports) ?? inside.global[name]
}

function tablesOf(call: CallUnderWay, inside: Inside, { rowsMax }: SandboxLimits): Tables {
  const fail = (error: unknown) => call.fail(error)
  return inside.scriptTables({ ask: call.ask.bind(call), fail, rowsMax, dateKey: DATE_KEY }, inside.queries)
}

// What few calls use is made when they do. A class, since V8 counts a getter of an object's own among the old at once,
// and so all that it leads to: what a call had would stay until the next full collection.
class Globals implements CallGlobals {
  tables: unknown = null
  exports: unknown = {}
  readonly #call: CallUnderWay
  readonly #inside: Inside
  readonly #tables: Tables
  #mssql: unknown
  #push: unknown

  constructor(call: CallUnderWay, inside: Inside, tables: Tables) {
    this.#call = call
    this.#inside = inside
    this.#tables = tables
  }

  get mssql(): unknown {
    this.#mssql ??= this.#inside.scriptSql(sqlOutside(this.#call), this.#tables)
    return this.#mssql
  }

  get push(): unknown {
    this.#push ??= this.#inside.scriptPush(pushOutside(this.#call), this.#tables)
    return this.#push
  }
}

function exportedAs(name: string, exports: unknown): unknown {
  const given = (exports ?? {}) as Record<string, unknown>
  return given[name] ?? (name === 'del' ? given.delete : undefined) ?? given.default
}

// It is over when its promise is, or when its last callback has come.
function runJob(name: string, main: unknown, call: CallUnderWay): void {
  const done = () => call.answerWhenIdle({ kind: 'default', body: null })
  try {
    requireFunction(name, main)
    const result = main() as PromiseLike<unknown> | undefined
    if (typeof result?.then === 'function') result.then(done, (error: unknown) => call.fail(error))
    else done()
  } catch (error) {
    call.fail(error)
  }
}

function requireFunction(name: string, main: unknown): asserts main is () => unknown {
  if (typeof main !== 'function') throw new Error(`The script defines no function '${name}'.`)
}

/**
 * Words for what may come back to a script when its turn has ended, without that anybody sees that it will. A script
 * that gets there past them only loses its time for it.
 */
const COMING_BACK = [
  ...['require', 'import', 'process', 'fetch', 'Blob', 'Request', 'Response', 'FormData'],
  ...['AbortSignal', 'WebAssembly', 'Atomics', 'FinalizationRegistry'],
  // A promise that fails and that nobody watches fails the request, which shows when the turn has ended.
  ...['async', 'fromAsync', 'Promise'],
]
const COMES_BACK = new RegExp(`\\b(?:${COMING_BACK.join('|')})\\b`)

const OPERATIONS = ['insert', 'read', 'update', 'del']
const STRICT = '"use strict";'
const BEGINNING = '(function () {'
const DEFINED = OPERATIONS.map((name) => `${name}: typeof ${name} === 'function' ? ${name} : undefined`).join(', ')

/** Compiles a script of a job. Throws what V8 says of its syntax. */
export function compile(source: string, text: string): Script {
  return new Script(bodyOf(text), { filename: `<${source}>`, columnOffset: -STRICT.length })
}

/** Compiles a script of a table. Throws what V8 says of its syntax. */
export function compileForTable({ source, hash, text }: { source: string; hash: string; text: string }): TableScript {
  const script = compileToBegin(source, text)
  return { source, hash, script, isSelfContained: !COMES_BACK.test(text), isTame: isTame(text) }
}

/** The same, to be begun only. */
export function compileToBegin(source: string, text: string): Script {
  // By itself first: a text that is no script may be a part of a function, and then V8 would say nothing of it.
  compile(source, text)
  return new Script(`${BEGINNING}${bodyOf(text)}\n;return { ${DEFINED} }})`, {
    filename: `<${source}>`,
    columnOffset: -(BEGINNING.length + STRICT.length),
  })
}

// On the same line, and what is before it is not counted, so that places in stacks are those of the file.
function bodyOf(text: string): string {
  return `${STRICT}${isModuleText(text) ? moduleText(text) : text}`
}
