// One call of a table script: a fresh V8 context, the script compiled once for all its calls.
import { Script } from 'node:vm'
import { isModuleText, moduleText } from '../kit/module-text.ts'
import type { CallUnderWay } from './call-under-way.ts'
import { makeContext } from './contexts.ts'
import type { JobStart, SandboxLimits, ScriptAnswer, TableStart } from './messages.ts'
import { pushOutside } from './push-calls.ts'
import { sqlOutside } from './sql-calls.ts'
import { DATE_KEY } from './wire.ts'

/** What a call runs with. `require`: what the script gets by a name. */
export type CallTools = { limits: SandboxLimits; require: (name: string) => unknown }

/** Runs it until it first waits. */
export function callScript(
  start: TableStart | JobStart,
  script: Script,
  call: CallUnderWay,
  { limits, require }: CallTools,
): void {
  const answer = (given: ScriptAnswer) => call.answer(given)
  const fail = (error: unknown) => call.fail(error)
  call.run(() => {
    const log = call.log.bind(call)
    const context = makeContext(start.script.source, { log, require, timers: call.timers })
    const bridge = { ask: call.ask.bind(call), fail, rowsMax: limits.rowsMax, dateKey: DATE_KEY }
    const tables = context.scriptTables(bridge, context.queries)
    context.global.mssql = context.scriptSql(sqlOutside(call), tables)
    // Made when it is first used: few calls do.
    let push: unknown
    const get = () => {
      push ??= context.scriptPush(pushOutside(call), tables)
      return push
    }
    Object.defineProperty(context.global, 'push', { get, enumerable: true, configurable: true })
    const exports: Record<string, unknown> = {}
    context.global.exports = exports
    const current = start.what === 'table' ? { current: tables.getTable(start.table) } : {}
    context.global.tables = { getTable: tables.getTable, ...current }
    const side =
      start.what === 'table'
        ? context.scriptSide(start, { ask: bridge.ask, answer }, context.queries, tables)
        : { run: (main: unknown) => runJob(start.name, main, call), runModern: null }
    try {
      context.run(script)
    } catch (error) {
      fail(error)
      return
    }
    const name = start.what === 'table' ? start.operation : start.name
    const exported = exports[name] ?? (name === 'del' ? exports.delete : undefined) ?? exports.default
    if (typeof exported === 'function' && side.runModern) side.runModern(exported as () => unknown)
    else side.run(exported ?? context.global[name])
  })
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

/** Compiles a script. Throws what V8 says of its syntax. */
export function compile(source: string, text: string): Script {
  // On the same line, so that lines in stacks are those of the file.
  return new Script(`"use strict";${isModuleText(text) ? moduleText(text) : text}`, { filename: `<${source}>` })
}
