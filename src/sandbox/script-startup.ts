// The extension `startup` as its script sees it: it is called once, before anything else of its service runs in a sandbox.
// Sent into a context as text: it may use nothing but its arguments and the globals of a context of ours.
import type { ExtensionOutside } from './script-extension.ts'
import type { Fields, Tables } from './script-tables.ts'

/** Calls the `startup` of an extension. Throws when there is none. */
export const scriptStartup = (
  exports: unknown,
  { answer, config, mssql, push }: ExtensionOutside,
  tables: Tables,
): void => {
  const startup = (exports as Fields | null | undefined)?.startup
  if (typeof startup !== 'function') throw new Error("The extension exports no function 'startup'.")
  let isDone = false
  const done = (error?: unknown) => {
    if (isDone) return
    isDone = true
    if (error === undefined || error === null) answer({ kind: 'default', body: null })
    else tables.fail(error)
  }
  const context = { tables: { getTable: tables.getTable }, mssql, push, config }
  const message = "There is no 'context.app' here: a custom API registers its routes by itself."
  Object.defineProperty(context, 'app', {
    get: () => {
      throw new Error(message)
    },
  })
  // Without a second argument it is a function of today: over when its promise is.
  const isModern = startup.length < 2
  tables.guarded(
    () => {
      const result = startup(context, done) as { then?: unknown } | undefined
      const isPromise = typeof result === 'object' && result !== null && typeof result.then === 'function'
      if (isModern && !isPromise) done()
      return result
    },
    {
      done: () => {
        if (isModern) done()
      },
      failed: (error) => done(error),
    },
  )
}
