// One request to a custom API: its module, loaded once, answers it.
import { STATUS_CODES } from 'node:http'
import type { CallUnderWay } from './call-under-way.ts'
import type { ApiStart, SandboxLimits } from './messages.ts'
import type { ModuleWorld } from './module-world.ts'
import { pushOutside } from './push-calls.ts'
import type { Apis } from './script-api.ts'
import { sqlOutside } from './sql-calls.ts'
import { DATE_KEY } from './wire.ts'

/** The routes of modules that were loaded, each by its exports. */
const known = new WeakMap<object, ReturnType<Apis['routesOf']>>()

/** Runs its handlers until they first wait. */
export function callApi(
  start: ApiStart,
  world: ModuleWorld,
  call: CallUnderWay,
  { limits, config }: { limits: SandboxLimits; config: Record<string, unknown> },
): void {
  const fail = (error: unknown) => call.fail(error)
  call.run(() => {
    try {
      const { inside } = world
      const exports = world.load(start.module) as object
      const { apis } = world
      const isKept = (typeof exports === 'object' && exports !== null) || typeof exports === 'function'
      const routes = (isKept ? known.get(exports) : undefined) ?? apis.routesOf(exports)
      if (isKept) known.set(exports, routes)
      const bridge = { ask: call.ask.bind(call), fail, rowsMax: limits.rowsMax, dateKey: DATE_KEY }
      const tables = inside.scriptTables(bridge, inside.queries)
      const statusText = (status: number) => STATUS_CODES[status] ?? String(status)
      const mssql = inside.scriptSql(sqlOutside(call), tables)
      const push = () => inside.scriptPush(pushOutside(call), tables)
      const own = { config: structuredClone(config), mssql, push }
      const outside = { answer: call.answer.bind(call), statusText, ...own }
      apis.handle(routes, start, outside, tables)
    } catch (error) {
      fail(error)
    }
  })
}
