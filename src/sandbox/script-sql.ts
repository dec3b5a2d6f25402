// `mssql` as scripts have it: SQL with `?` for values, by callbacks or promises. Sent into a context as text: it may use
// nothing but its arguments and the globals of a context of ours.
import type { AskOutcome, SqlResult } from './messages.ts'
import type { Fields, Tables } from './script-tables.ts'

/** What the sandbox gives for one call. Functions of the outer world. */
export type SqlOutside = {
  /** Runs the statements of a text; `session` null: on any connection. Throws where text and values do not go together. */
  run: (wanted: { sql: string; values: unknown[]; session: number | null }, done: (outcome: AskOutcome) => void) => void
  open: (done: (outcome: AskOutcome) => void) => void
  close: (session: number, done: (outcome: AskOutcome) => void) => void
  dateKey: string
  bytesKey: string
}
type Callback = (error: unknown, results?: unknown, more?: boolean) => unknown
type SqlHandlers = { success?: unknown; error?: unknown }

/** Makes the `mssql` of one call. */
export const scriptSql = (outside: SqlOutside, { guarded, fail, newPending }: Tables): Fields => {
  const toWire = (value: unknown): unknown => {
    if (value === undefined || value === null) return null
    if (value instanceof Date) {
      if (Number.isNaN(value.getTime())) throw new Error('An invalid date can not be a value of SQL.')
      return { [outside.dateKey]: value.toISOString() }
    }
    if (ArrayBuffer.isView(value)) {
      const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
      return { [outside.bytesKey]: bytes.toString('base64') }
    }
    if (['string', 'number', 'boolean'].includes(typeof value)) return value
    throw new Error('A value of SQL is a string, number, boolean, date, buffer or null, and nothing else.')
  }
  const fromWire = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value
    const { [outside.dateKey]: date, [outside.bytesKey]: bytes } = value as Fields
    if (typeof date === 'string') return new Date(date)
    if (typeof bytes === 'string') return Buffer.from(bytes, 'base64')
    return JSON.parse(JSON.stringify(value))
  }
  const rowsOf = ({ columns, rows, count }: SqlResult): Fields[] => {
    const made = rows.map((row) => Object.fromEntries(columns.map(({ name }, at) => [name, fromWire(row[at])])))
    if (count !== null) Object.defineProperty(made, 'rowCount', { value: count })
    return made
  }
  const rawOf = ({ columns, rows }: SqlResult) => ({
    meta: columns.map(({ name, type }) => ({ name, type })),
    rows: rows.map((row) => row.map(fromWire)),
  })

  // Both ways of old: handlers in an object, or one function of an error and results.
  const handlersOf = (given: unknown): SqlHandlers => {
    if (typeof given === 'function') {
      const callback = given as Callback
      return {
        success: (results: unknown, more: unknown) => callback(null, results, more === true),
        error: (error: unknown) => callback(error),
      }
    }
    return typeof given === 'object' && given !== null ? (given as SqlHandlers) : {}
  }
  const isHandlers = (given: unknown) =>
    typeof given === 'function' ||
    (typeof given === 'object' && given !== null && !Array.isArray(given) && ('success' in given || 'error' in given))

  /** Has something done; `valuesOf`: what `success` is given, call by call; the promise gets the first of the last. */
  function perform(
    begin: (done: (outcome: AskOutcome) => void) => void,
    handlers: SqlHandlers,
    valuesOf: (outcome: AskOutcome) => unknown[][],
  ): unknown {
    const pending = newPending()
    const failed = (error: unknown) => {
      if (typeof handlers.error === 'function') return handlers.error(error)
      if (!pending.isWatched()) return fail(error)
      return pending.reject(error)
    }
    begin((outcome) =>
      guarded(() => {
        if (outcome.kind === 'failed') return failed(errorOf(outcome))
        const calls = valuesOf(outcome)
        pending.resolve(calls.at(-1)?.[0])
        const { success } = handlers
        if (typeof success === 'function') for (const values of calls) guarded(() => success(...values))
        return undefined
      }),
    )
    return pending.promise
  }
  const errorOf = (outcome: Extract<AskOutcome, { kind: 'failed' }>) =>
    Object.assign(new Error(outcome.message), { statusCode: outcome.status, sqlstate: outcome.sqlState })

  const query =
    (session: number | null, isRaw: boolean) =>
    (sql: unknown, ...given: unknown[]) => {
      if (typeof sql !== 'string') throw new Error('SQL is a string.')
      const [first, second] = given
      const hasValues = given.length > 0 && !isHandlers(first)
      const values = hasValues && first !== undefined && first !== null ? [first].flat() : []
      const handlers = handlersOf(hasValues ? second : first)
      return perform(
        (done) => outside.run({ sql, values: values.map(toWire), session }, done),
        handlers,
        (outcome) => {
          const results = outcome.kind === 'results' ? outcome.results : []
          return results.map((result, at) => [isRaw ? rawOf(result) : rowsOf(result), at < results.length - 1])
        },
      )
    }

  const connectionOf = (session: number): Fields => {
    const plain = (sql: string) => (given?: unknown) => query(session, false)(sql, [], handlersOf(given))
    return {
      query: query(session, false),
      queryRaw: query(session, true),
      beginTransaction: plain('begin'),
      commit: plain('commit'),
      rollback: plain('rollback'),
      close: (given?: unknown) =>
        perform(
          (done) => outside.close(session, done),
          handlersOf(given),
          () => [[]],
        ),
    }
  }

  return {
    query: query(null, false),
    queryRaw: query(null, true),
    open: (given?: unknown) => {
      const handlers = handlersOf(given)
      return perform(outside.open, handlers, (outcome) => [
        outcome.kind === 'session' ? [connectionOf(outcome.session)] : [],
      ])
    },
  }
}
