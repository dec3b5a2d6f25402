// One call of a table script, in a context that it has for itself meanwhile, or of a job, in a fresh one. The text is
// compiled once for all calls.
import { Script } from 'node:vm'
import { isModuleText, moduleText } from '../kit/module-text.ts'
import type { CallUnderWay } from './call-under-way.ts'
import { type Inside, makeContext } from './contexts.ts'
import type { CallGlobals, KeptContexts, TableScript } from './kept-contexts.ts'
import type { JobStart, SandboxLimits, ScriptAnswer, TableStart } from './messages.ts'
import { pushOutside } from './push-calls.ts'
import type { Tables } from './script-tables.ts'
import { sqlOutside } from './sql-calls.ts'
import { isTame } from './tame-scripts.ts'
import { DATE_KEY } from './wire.ts'

/** What a call runs with. `require`: what the script gets by a name. */
export type CallTools = { limits: SandboxLimits; require: (name: string) => unknown }

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
    const tables = tablesOf(call, inside, limits)
    const globals = globalsOf(call, inside, tables)
    const current = tables.getTable(start.table)
    globals.tables = { getTable: tables.getTable, current }
    call.globals = globals
    const outside = {
      ask: call.ask.bind(call),
      execute: call.execute.bind(call),
      answer: (given: ScriptAnswer) => call.answer(given),
      isSelfContained: script.isSelfContained,
    }
    const side = inside.scriptSide(start, outside, inside.queries, tables)
    let defined: unknown
    try {
      defined = context.begin(call, start.operation)
    } catch (error) {
      call.fail(error)
      return
    }
    const exported = exportedAs(start.operation, globals.exports)
    if (typeof exported === 'function') side.runModern(exported as () => unknown)
    else side.run(exported ?? defined)
  })
}

/** Runs a job until it first waits. */
export function callJob(start: JobStart, script: Script, call: CallUnderWay, { limits, require }: CallTools): void {
  call.run(() => {
    const inside = makeContext(start.script.source, { log: call.log.bind(call), require, timers: call.timers })
    const tables = tablesOf(call, inside, limits)
    const globals = globalsOf(call, inside, tables)
    globals.tables = { getTable: tables.getTable }
    Object.defineProperties(inside.global, Object.getOwnPropertyDescriptors(globals))
    try {
      inside.run(script)
    } catch (error) {
      call.fail(error)
      return
    }
    runJob(start.name, exportedAs(start.name, globals.exports) ?? inside.global[start.name], call)
  })
}

function tablesOf(call: CallUnderWay, inside: Inside, { rowsMax }: SandboxLimits): Tables {
  const fail = (error: unknown) => call.fail(error)
  return inside.scriptTables({ ask: call.ask.bind(call), fail, rowsMax, dateKey: DATE_KEY }, inside.queries)
}

// Some are made when they are first used: few calls do.
function globalsOf(call: CallUnderWay, inside: Inside, tables: Tables): CallGlobals {
  let [mssql, push]: unknown[] = []
  return {
    tables: null,
    get mssql() {
      mssql ??= inside.scriptSql(sqlOutside(call), tables)
      return mssql
    },
    get push() {
      push ??= inside.scriptPush(pushOutside(call), tables)
      return push
    },
    exports: {},
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
    if (typeof main !== 'function') throw new Error(`The script defines no function '${name}'.`)
    const result = main() as PromiseLike<unknown> | undefined
    if (typeof result?.then === 'function') result.then(done, (error: unknown) => call.fail(error))
    else done()
  } catch (error) {
    call.fail(error)
  }
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
const BEGINNING = '(function () {'
const DEFINED = OPERATIONS.map((name) => `${name}: typeof ${name} === 'function' ? ${name} : undefined`).join(', ')

/** Compiles a script of a job. Throws what V8 says of its syntax. */
export function compile(source: string, text: string): Script {
  // On the same line, so that lines in stacks are those of the file.
  return new Script(`"use strict";${isModuleText(text) ? moduleText(text) : text}`, { filename: `<${source}>` })
}

/** Compiles a script of a table. Throws what V8 says of its syntax. */
export function compileForTable({ source, hash, text }: { source: string; hash: string; text: string }): TableScript {
  // By itself first: a text that is no script may be a part of a function, and then V8 would say nothing of it.
  compile(source, text)
  const body = `"use strict";${isModuleText(text) ? moduleText(text) : text}`
  const script = new Script(`${BEGINNING}${body}\n;return { ${DEFINED} }})`, {
    filename: `<${source}>`,
    columnOffset: -BEGINNING.length,
  })
  return { source, hash, script, isSelfContained: !COMES_BACK.test(text), isTame: isTame(text) }
}
