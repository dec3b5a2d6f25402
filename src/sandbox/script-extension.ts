// The extension `push` as its script sees it: it is shown each registration before it is kept. Sent into a context as
// text: it may use nothing but its arguments and the globals of a context of ours.
import type { ScriptAnswer, ScriptUser } from './messages.ts'
import type { Fields, Tables } from './script-tables.ts'

/** What the sandbox gives for one call. Functions of the outer world. */
export type ExtensionOutside = {
  answer: (answer: ScriptAnswer) => void
  config: Record<string, unknown>
  mssql: Fields
  push: Fields
}

/** Shows a registration (JSON) to the `register` of an extension. Throws when there is none. */
export const scriptExtension = (
  exports: unknown,
  about: { registration: string; user: ScriptUser },
  { answer, config, mssql, push }: ExtensionOutside,
  tables: Tables,
): void => {
  const register = (exports as Fields | null | undefined)?.register
  if (typeof register !== 'function') throw new Error("The extension exports no function 'register'.")
  const registration = JSON.parse(about.registration) as Fields
  let isDone = false
  const done = (error?: unknown) => {
    if (isDone) return
    isDone = true
    if (error === undefined || error === null) {
      answer({ kind: 'registered', registration: JSON.stringify(registration) })
      return
    }
    const isError = typeof error === 'object'
    const status = isError ? (error as Fields).statusCode : undefined
    const message = isError ? String((error as Fields).message ?? error) : String(error)
    answer({ kind: 'refused', status: typeof status === 'number' ? status : 400, message })
  }
  const user = tables.userOf(about.user)
  const context = { user, tables: { getTable: tables.getTable }, mssql, push, config }
  // Without a third argument it is a function of today: over when its promise is.
  const isModern = register.length < 3
  tables.guarded(
    () => {
      const result = register(registration, context, done) as { then?: unknown } | undefined
      const isPromise = typeof result === 'object' && result !== null && typeof result.then === 'function'
      if (isModern && !isPromise) done()
      return result
    },
    {
      done: () => {
        if (isModern) done()
      },
      failed: (error) => (isModern ? done(error) : tables.fail(error)),
    },
  )
}
