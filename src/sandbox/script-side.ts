// What a script sees: built anew inside the V8 context of each call, so that its objects are of the script's own world.
// `scriptSide` is sent there as text: it may use nothing but its arguments and the globals of a bare context.
import type { AskOutcome, CallStart, LogLevel, ScriptAnswer, TableAsk, WireQuery } from './messages.ts'
import type { Queries } from './script-queries.ts'

/** What the sandbox gives to the script's side. Functions of the outer world: scripts get them wrapped only. */
export type Outside = {
  ask: (what: TableAsk, isExecute: boolean, done: (outcome: AskOutcome) => void) => void
  answer: (answer: ScriptAnswer) => void
  log: (level: LogLevel, values: unknown[]) => void
  require: (name: string) => unknown
  timers: Record<'setTimeout' | 'setInterval' | 'setImmediate', (work: () => void, ms?: number) => unknown> &
    Record<'clearTimeout' | 'clearInterval' | 'clearImmediate', (timer: unknown) => void>
  shared: Record<string, unknown>
  /** The text of an error's stack, for the log. */
  describe: (error: unknown) => string
  rowsMax: number
  dateKey: string
}

type Handlers = {
  success?: unknown
  error?: unknown
  conflict?: unknown
  systemProperties?: unknown
  includeDeleted?: unknown
}
type Fields = Record<string, unknown>

export type ScriptSide = (start: CallStart, outside: Outside, queries: Queries) => { run: (main: unknown) => void }

/** Prepares the globals of a context and gives what runs the script's function in it. */
export const scriptSide: ScriptSide = (start, outside, { makeQuery, newParts, partsOf }) => {
  const isDate = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/
  const toWire = (fields: Fields): Fields =>
    Object.fromEntries(
      Object.entries(fields)
        .filter(([, value]) => value !== undefined && typeof value !== 'function')
        .map(([name, value]) => [name, wireValue(value)]),
    )
  function wireValue(value: unknown): unknown {
    if (!(value instanceof Date)) return value
    if (Number.isNaN(value.getTime())) throw new Error('An invalid date can not be stored.')
    return { [outside.dateKey]: value.toISOString() }
  }
  // Rows come as JSON, where a date is its text; items sent by the client come with their dates marked.
  const fromWire = (fields: Fields): Fields => {
    const copy = JSON.parse(JSON.stringify(fields)) as Fields
    for (const [name, value] of Object.entries(copy)) copy[name] = revived(name, value)
    return copy
  }
  function revived(name: string, value: unknown): unknown {
    if (name !== 'id' && typeof value === 'string' && isDate.test(value)) return new Date(value)
    const marked = typeof value === 'object' && value !== null ? (value as Fields)[outside.dateKey] : undefined
    return typeof marked === 'string' ? new Date(marked) : value
  }

  // ---- handlers and their rules

  let isOver = false
  const finish = (answer: ScriptAnswer) => {
    if (isOver) return
    isOver = true
    outside.answer(answer)
  }
  const fail = (error: unknown) => finish({ kind: 'failed', message: outside.describe(error) })
  /** Runs what the script gave us; what it throws, or its promise is rejected with, ends the request. */
  const guarded = (work: () => unknown) => {
    try {
      const result = work() as { then?: unknown } | undefined
      if (typeof result === 'object' && result !== null && typeof result.then === 'function') {
        result.then(() => {}, fail)
      }
    } catch (error) {
      fail(error)
    }
  }

  function checkHandlers(given: unknown, allowed: string[], what: string): Handlers {
    if (given === undefined || given === null) return {}
    const invalid = () =>
      new Error(
        `Invalid callback options passed to '${what}'. ` +
          `Callback options must be an object with at least one of the following: ${allowed.join(', ')}.`,
      )
    if (typeof given !== 'object') throw invalid()
    const names = Object.keys(given)
    if (names.length === 0 || names.some((name) => !allowed.includes(name))) throw invalid()
    for (const name of ['success', 'error', 'conflict']) {
      const handler = (given as Fields)[name]
      if (handler !== undefined && handler !== null && typeof handler !== 'function') throw invalid()
    }
    return given as Handlers
  }

  function systemPropertiesOf(handlers: Handlers, otherwise: string[]): string[] {
    const given = handlers.systemProperties
    if (given === undefined || given === null) return otherwise
    const names = Array.isArray(given) ? given : [given]
    return names.map((name) => String(name))
  }

  const includes = ({ includeDeleted }: Handlers, otherwise: boolean) =>
    includeDeleted === undefined ? otherwise : includeDeleted === true

  function errorOf(outcome: Extract<AskOutcome, { kind: 'failed' | 'conflict' }>): Error {
    const statusCode = outcome.kind === 'conflict' ? 412 : outcome.status
    return Object.assign(new Error(outcome.message), { statusCode })
  }

  function rowsOf(outcome: Extract<AskOutcome, { kind: 'rows' }>, query: WireQuery): Fields[] {
    const rows = (JSON.parse(outcome.rows) as Fields[]).map(fromWire)
    if (query.take === null && rows.length > outside.rowsMax) {
      throw new Error(`The query gives more than ${outside.rowsMax} rows: read them in parts, with take() and skip().`)
    }
    if (outcome.count !== null) Object.defineProperty(rows, 'totalCount', { value: outcome.count })
    return rows
  }

  // ---- tables

  /** Takes over what the database completed: the id, and the system properties that were asked for. */
  function complete(item: Fields, row: Fields) {
    for (const [name, value] of Object.entries(fromWire(row))) item[name] = value
  }

  function tableObject(name: string) {
    const settle = (handlers: Handlers, outcome: AskOutcome, succeed: (done: AskOutcome) => unknown) => {
      if (outcome.kind !== 'failed' && outcome.kind !== 'conflict') {
        guarded(() => succeed(outcome))
        return
      }
      const { error, conflict } = handlers
      if (outcome.kind === 'conflict' && typeof conflict === 'function') {
        guarded(() => conflict(fromWire(outcome.row)))
      } else if (typeof error === 'function') guarded(() => error(errorOf(outcome)))
      else fail(errorOf(outcome))
    }
    const tell = (handlers: Handlers, ...values: unknown[]) =>
      typeof handlers.success === 'function' ? handlers.success(...values) : undefined
    const read = (query: WireQuery, handlers: Handlers) => {
      const systemProperties = systemPropertiesOf(handlers, [])
      const what = { op: 'read' as const, query, systemProperties, includesDeleted: includes(handlers, false) }
      outside.ask({ ...what, isQuiet: false }, false, (outcome) =>
        settle(handlers, outcome, (done) => tell(handlers, done.kind === 'rows' ? rowsOf(done, query) : [])),
      )
    }
    const readOptions = ['success', 'error', 'systemProperties', 'includeDeleted']
    const start = () => {
      const parts = newParts(name)
      return makeQuery(parts, (options) => read(parts, checkHandlers(options, readOptions, 'read')))
    }
    const begin =
      (method: string) =>
      (...values: unknown[]) => {
        const query = start()
        return (query[method] as (...given: unknown[]) => unknown)(...values)
      }
    return {
      getTableName: () => name,
      insert: (item: Fields, options?: unknown) => {
        const handlers = checkHandlers(options, ['success', 'error', 'systemProperties'], 'insert')
        const systemProperties = systemPropertiesOf(handlers, [])
        outside.ask({ op: 'insert', table: name, item: toWire(item), systemProperties }, false, (outcome) =>
          settle(handlers, outcome, (done) => {
            if (done.kind === 'row') complete(item, done.row)
            return tell(handlers, item)
          }),
        )
      },
      update: (item: Fields, options?: unknown) => {
        const handlers = checkHandlers(options, ['success', 'error', 'conflict', 'systemProperties'], 'update')
        const systemProperties = systemPropertiesOf(handlers, [])
        const version = versionIn(item)
        const what = { op: 'update' as const, table: name, item: toWire(item), systemProperties, version }
        outside.ask({ ...what, isUndelete: false }, false, (outcome) =>
          settle(handlers, outcome, (done) => {
            if (done.kind === 'row') complete(item, done.row)
            return tell(handlers, item)
          }),
        )
      },
      del: (itemOrId: unknown, options?: unknown) => {
        const handlers = checkHandlers(options, ['success', 'error', 'conflict'], 'del')
        const isItem = typeof itemOrId === 'object' && itemOrId !== null
        const id = String(isItem ? (itemOrId as Fields).id : itemOrId)
        const version = isItem ? versionIn(itemOrId as Fields) : null
        outside.ask({ op: 'del', table: name, id, version }, false, (outcome) =>
          settle(handlers, outcome, () => tell(handlers)),
        )
      },
      lookup: (id: unknown, options?: unknown) => {
        const handlers = checkHandlers(options, ['success', 'error', 'systemProperties', 'includeDeleted'], 'lookup')
        const systemProperties = systemPropertiesOf(handlers, [])
        const includesDeleted = includes(handlers, false)
        outside.ask(
          { op: 'lookup', table: name, id: String(id), systemProperties, includesDeleted },
          false,
          (outcome) =>
            settle(handlers, outcome, (done) => tell(handlers, done.kind === 'row' ? fromWire(done.row) : undefined)),
        )
      },
      read: (first?: unknown, second?: unknown) => {
        const parts = partsOf(first)
        read(parts ?? newParts(name), checkHandlers(parts ? second : first, readOptions, 'read'))
      },
      where: begin('where'),
      select: begin('select'),
      orderBy: begin('orderBy'),
      orderByDescending: begin('orderByDescending'),
      skip: begin('skip'),
      take: begin('take'),
      includeTotalCount: begin('includeTotalCount'),
    }
  }
  const versionIn = (item: Fields) => (typeof item.__version === 'string' ? item.__version : null)

  // ---- the request

  const { operation } = start
  const item = start.item ? fromWire(start.item) : null
  if (item && start.isUndelete) item.__deleted = false
  if (item && start.version !== null) item.__version = start.version
  const itemId = item?.id
  const query = start.query ? makeQuery(start.query, null) : null
  let delVersion = start.version
  let executed: 'not yet' | 'running' | 'done' = 'not yet'
  let isResponded = false
  let results: Fields[] | null = null

  const jsonOf = (value: unknown): string | null => {
    const text = JSON.stringify(value)
    return text === undefined ? null : text
  }
  const listBody = (rows: unknown): string | null => {
    const total = Array.isArray(rows) ? (rows as { totalCount?: unknown }).totalCount : undefined
    return typeof total === 'number' ? `{"results":${jsonOf(rows)},"count":${total}}` : jsonOf(rows)
  }
  const defaultAnswer = () => {
    if (operation === 'read') finish({ kind: 'default', body: results && defaultReadBody(results) })
    else finish({ kind: 'default', body: operation === 'del' ? null : jsonOf(item) })
  }
  const defaultReadBody = (rows: Fields[]): string | null => {
    if (start.query?.id === null || start.query === null) return listBody(rows)
    if (rows.length > 1) throw new Error('A read of one item gave more than one.')
    return rows[0] ? jsonOf(rows[0]) : null
  }
  let lastOutcome: AskOutcome | null = null

  const request = {
    operation,
    parameters: { ...start.parameters },
    systemProperties: [...start.systemProperties],
    includeDeleted: start.includesDeleted,
    undelete: start.isUndelete,
    execute: (options?: unknown) => {
      if (isResponded) throw new Error('Execute cannot be called after respond has been called.')
      if (executed !== 'not yet') throw new Error('Execute cannot be called more than once.')
      const allowed = ['success', 'error', 'systemProperties']
      if (operation === 'update' || operation === 'del') allowed.push('conflict')
      if (operation === 'read') allowed.push('includeDeleted')
      const handlers = checkHandlers(options, allowed, 'execute')
      executed = 'running'
      outside.ask(executeAsk(handlers), true, (outcome) => {
        executed = 'done'
        lastOutcome = outcome
        guarded(() => executedWith(handlers, outcome))
      })
    },
    respond: (...given: unknown[]) => {
      if (isResponded) throw new Error('Respond cannot be called more than once.')
      if (given.length === 0) respondDefault()
      else respondWith(given[0], given[1], given.length > 1)
      isResponded = true
    },
  }

  function executeAsk(handlers: Handlers): TableAsk {
    const systemProperties = systemPropertiesOf(handlers, start.systemProperties)
    const isQuiet = typeof handlers.success !== 'function'
    const { table } = start
    if (operation === 'read') {
      const includesDeleted = includes(handlers, start.includesDeleted)
      return { op: 'read', query: start.query ?? newParts(table), systemProperties, includesDeleted, isQuiet }
    }
    if (operation === 'del') return { op: 'del', table, id: start.id ?? '', version: delVersion }
    const fields = item ?? {}
    if (operation === 'insert') return { op: 'insert', table, item: toWire(fields), systemProperties }
    if (fields.id !== itemId) throw new Error("The 'id' of an item can not be changed by an update script.")
    const { isUndelete } = start
    return { op: 'update', table, item: toWire(fields), systemProperties, version: versionIn(fields), isUndelete }
  }

  function executedWith(handlers: Handlers, outcome: AskOutcome): unknown {
    if (outcome.kind === 'conflict' && typeof handlers.conflict === 'function') {
      const serverItem = fromWire(outcome.row)
      // The next try goes against the row as it is now: the client's change wins, unless the script decides otherwise.
      const current = versionIn(serverItem)
      delVersion = current
      if (item) item.__version = current
      executed = 'not yet'
      return handlers.conflict(serverItem)
    }
    if (outcome.kind === 'failed' || outcome.kind === 'conflict') {
      if (typeof handlers.error === 'function') return handlers.error(errorOf(outcome))
      return finish({ kind: 'execute_failed' })
    }
    if (outcome.kind === 'row' && item) complete(item, outcome.row)
    if (typeof handlers.success !== 'function') {
      return operation === 'read' ? finish({ kind: 'default', body: null }) : defaultAnswer()
    }
    if (outcome.kind !== 'rows') return handlers.success()
    results = rowsOf(outcome, start.query ?? newParts(start.table))
    return handlers.success(results)
  }

  function respondDefault() {
    if (!lastOutcome) throw new Error('Execute must be called before respond.')
    if (lastOutcome.kind === 'failed' || lastOutcome.kind === 'conflict') finish({ kind: 'execute_failed' })
    else defaultAnswer()
  }

  function respondWith(first: unknown, body: unknown, hasBody: boolean) {
    const isError = typeof first === 'object' && first !== null
    const wanted = isError ? ((first as Fields).statusCode ?? 500) : first
    if (typeof wanted !== 'number' || !Number.isInteger(wanted) || wanted < 200 || wanted > 599) {
      throw new Error('Invalid parameters passed to respond. The first parameter must be a valid status code.')
    }
    const value = isError ? first : body
    const text = isError || hasBody ? listBody(value) : null
    const version = typeof value === 'object' && value !== null ? (value as Fields).__version : undefined
    const etag = typeof version === 'string' ? version : null
    finish({ kind: 'respond', status: wanted, body: text, version: etag })
  }

  // ---- globals

  const makeTable = (name: unknown) => {
    if (typeof name !== 'string' || name === '') throw new Error('getTable() needs the name of a table.')
    return tableObject(name)
  }
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
  Object.assign(globalThis, outside.shared, {
    tables: { getTable: makeTable, current: tableObject(start.table) },
    console: { log: log('info'), info: log('info'), warn: log('warn'), error: log('error') },
    require: (name: unknown) => outside.require(String(name)),
    setTimeout: timer('setTimeout'),
    setInterval: timer('setInterval'),
    setImmediate: timer('setImmediate'),
    clearTimeout: (given: unknown) => outside.timers.clearTimeout(given),
    clearInterval: (given: unknown) => outside.timers.clearInterval(given),
    clearImmediate: (given: unknown) => outside.timers.clearImmediate(given),
    statusCodes: {
      OK: 200,
      CREATED: 201,
      ACCEPTED: 202,
      NO_CONTENT: 204,
      MOVED_PERMANANTLY: 301,
      FOUND: 302,
      NOT_MODIFIED: 304,
      BAD_REQUEST: 400,
      UNAUTHORIZED: 401,
      FORBIDDEN: 403,
      NOT_FOUND: 404,
      METHOD_NOT_ALLOWED: 405,
      CONFLICT: 409,
      GONE: 410,
      PRECONDITION_FAILED: 412,
      REQUEST_ENTITY_TOO_LARGE: 413,
      INTERNAL_SERVER_ERROR: 500,
      BAD_GATEWAY: 502,
      SERVICE_UNAVAILABLE: 503,
    },
  })

  return {
    run: (main) =>
      guarded(() => {
        if (typeof main !== 'function') throw new Error(`The script defines no function '${operation}'.`)
        const subject = operation === 'read' ? query : operation === 'del' ? start.id : item
        return main(subject, { ...start.user, userId: undefined }, request)
      }),
  }
}
