// One call of an extension of a service: `push` is shown a registration, `startup` is called before anything else. Or a
// module is only loaded.
import type { CallUnderWay } from './call-under-way.ts'
import type { ExtensionStart, SandboxLimits } from './messages.ts'
import type { ModuleWorld } from './module-world.ts'
import { pushOutside } from './push-calls.ts'
import { sqlOutside } from './sql-calls.ts'
import { DATE_KEY } from './wire.ts'

const PUSH = 'extensions/push'

/** Runs it until it first waits. */
export function callExtension(
  start: ExtensionStart,
  world: ModuleWorld,
  call: CallUnderWay,
  { limits, config }: { limits: SandboxLimits; config: Record<string, unknown> },
): void {
  const fail = (error: unknown) => call.fail(error)
  call.run(() => {
    try {
      const { inside } = world
      const exports = world.load(start.module)
      if (start.hook === 'load') {
        if (start.module.toLowerCase() === PUSH) requireRegister(exports)
        call.answer({ kind: 'default', body: null })
        return
      }
      const bridge = { ask: call.ask.bind(call), fail, rowsMax: limits.rowsMax, dateKey: DATE_KEY }
      const tables = inside.scriptTables(bridge, inside.queries)
      const mssql = inside.scriptSql(sqlOutside(call), tables)
      const push = inside.scriptPush(pushOutside(call), tables)
      const outside = { answer: call.answer.bind(call), config: structuredClone(config), mssql, push }
      if (start.hook === 'startup') inside.scriptStartup(exports, outside, tables)
      else inside.scriptExtension(exports, start, outside, tables)
    } catch (error) {
      fail(error)
    }
  })
}

// As each registration would.
function requireRegister(exports: unknown): void {
  const { register } = Object(exports) as { register?: unknown }
  if (typeof register !== 'function') throw new Error("The extension exports no function 'register'.")
}
