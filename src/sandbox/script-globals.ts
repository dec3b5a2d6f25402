// The globals of a context in which scripts run. Sent there as text: it may use nothing but its arguments and what a
// bare context has.
import type { LogLevel } from './messages.ts'

/** What the sandbox gives for them. Functions of the outer world: scripts get them wrapped only. */
export type GlobalsOutside = {
  log: (level: LogLevel, values: unknown[]) => void
  require: (name: string) => unknown
  timers: Record<'setTimeout' | 'setInterval' | 'setImmediate', (work: () => void, ms?: number) => unknown> & {
    clear: (timer: unknown) => void
  }
  shared: Record<string, unknown>
  statusCodes: Record<string, number>
}

/** Puts them on the context's global object. */
export const scriptGlobals = (outside: GlobalsOutside): void => {
  const log =
    (level: LogLevel) =>
    (...values: unknown[]) =>
      outside.log(level, values)
  const timer =
    (kind: 'setTimeout' | 'setInterval' | 'setImmediate') =>
    (work: unknown, ...rest: unknown[]) => {
      if (typeof work !== 'function') throw new TypeError(`${kind}() needs a function.`)
      const values = kind === 'setImmediate' ? rest : rest.slice(1)
      return outside.timers[kind](() => work(...values), kind === 'setImmediate' ? undefined : Number(rest[0] ?? 0))
    }
  const clear = (given: unknown) => outside.timers.clear(given)
  Object.assign(globalThis, outside.shared, {
    global: globalThis,
    console: { log: log('info'), info: log('info'), warn: log('warn'), error: log('error'), debug: log('info') },
    require: (name: unknown) => outside.require(String(name)),
    setTimeout: timer('setTimeout'),
    setInterval: timer('setInterval'),
    setImmediate: timer('setImmediate'),
    clearTimeout: clear,
    clearInterval: clear,
    clearImmediate: clear,
    statusCodes: { ...outside.statusCodes },
  })
}
