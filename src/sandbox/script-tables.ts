// The tables of a service as scripts work with them, by callbacks or promises. Sent into a context as text: it may use
// nothing but its arguments and what a bare context has.
import type { AskOutcome, ScriptUser, TableAsk, WireQuery } from './messages.ts'
import type { Queries } from './script-queries.ts'

export type Fields = Record<string, unknown>
export type Handlers = {
  success?: unknown
  error?: unknown
  conflict?: unknown
  systemProperties?: unknown
  includeDeleted?: unknown
}
export type Failed = Extract<AskOutcome, { kind: 'failed' | 'conflict' }>

/** What stands between a script and its runtime for one call. Functions of the outer world. */
export type Bridge = {
  ask: (what: TableAsk, isExecute: boolean, done: (outcome: AskOutcome) => void) => void
  /** Ends the request: something went wrong that the script did not care for. */
  fail: (error: unknown) => void
  rowsMax: number
  dateKey: string
}

/** Something to wait for. `isWatched`: somebody does, so a failure is theirs. */
export type Pending = {
  promise: { then: unknown; catch: unknown; finally: unknown }
  isWatched: () => boolean
  /** Nobody need watch it. */
  ignore: () => void
  resolve: (value: unknown) => void
  reject: (error: unknown) => void
}

export type Tables = {
  getTable: (name: unknown) => Fields
  toWire: (fields: Fields) => Fields
  fromWire: (fields: Fields) => Fields
  /** Runs what the script gave us. `ending`: what comes after its promise; without it a failure ends the request. */
  guarded: (work: () => unknown, ending?: { done: () => void; failed: (error: unknown) => void }) => void
  fail: (error: unknown) => void
  checkHandlers: (given: unknown, allowed: string[], what: string) => Handlers
  systemPropertiesOf: (handlers: Handlers, otherwise: string[]) => string[]
  includes: (handlers: Handlers, otherwise: boolean) => boolean
  errorOf: (outcome: Failed) => Error
  rowsOf: (outcome: Extract<AskOutcome, { kind: 'rows' }>, query: WireQuery) => Fields[]
  complete: (item: Fields, row: Fields) => void
  versionIn: (item: Fields) => string | null
  newPending: () => Pending
  userOf: (user: ScriptUser) => Fields
}

/** Makes the tables of one call, and what else works on items and outcomes. */
export const scriptTables = (bridge: Bridge, { makeQuery, newParts, partsOf }: Queries): Tables => {
  const DATE_LENGTH = 24
  const isDate = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/
  const toWire = (fields: Fields): Fields => {
    const names = Object.keys(fields)
    const wire = { ...fields }
    for (const name of names) {
      const value = wire[name]
      if (value === undefined || typeof value === 'function') delete wire[name]
      else if (typeof value === 'object') wire[name] = wireValue(value)
    }
    return wire
  }
  function wireValue(value: unknown): unknown {
    if (!(value instanceof Date)) return value
    if (Number.isNaN(value.getTime())) throw new Error('An invalid date can not be stored.')
    return { [bridge.dateKey]: value.toISOString() }
  }
  // Rows come as JSON, where a date is its text; items sent by the client come with their dates marked.
  const fromWire = (fields: Fields): Fields => {
    const copy = JSON.parse(JSON.stringify(fields)) as Fields
    for (const name of Object.keys(copy)) {
      const value = copy[name]
      const revived = typeof value === 'string' || typeof value === 'object' ? revivedOf(name, value) : value
      if (revived !== value) copy[name] = revived
    }
    return copy
  }
  function revivedOf(name: string, value: unknown): unknown {
    if (typeof value === 'string')
      return value.length === DATE_LENGTH && name !== 'id' && isDate.test(value) ? new Date(value) : value
    const marked = typeof value === 'object' && value !== null ? (value as Fields)[bridge.dateKey] : undefined
    return typeof marked === 'string' ? new Date(marked) : value
  }

  // What it throws, or its promise is rejected with, ends the request.
  const guarded: Tables['guarded'] = (work, ending) => {
    try {
      const result = work() as { then?: unknown } | undefined
      if (typeof result === 'object' && result !== null && typeof result.then === 'function') {
        result.then(() => ending && guarded(ending.done), ending?.failed ?? bridge.fail)
      }
    } catch (error) {
      bridge.fail(error)
    }
  }

  // An object with `then`, not a promise: only so do we see whether anybody waits for it.
  function newPending(): Pending {
    let isWatched = false
    let resolve: (value: unknown) => void = () => {}
    let reject: (error: unknown) => void = () => {}
    const promise = new Promise((accept, refuse) => {
      resolve = accept
      reject = refuse
    })
    const watched = () => {
      isWatched = true
      return promise
    }
    return {
      promise: {
        // biome-ignore lint/suspicious/noThenProperty: scripts await it.
        then: (accept: never, refuse: never) => watched().then(accept, refuse),
        catch: (refuse: never) => watched().catch(refuse),
        finally: (work: never) => watched().finally(work),
      },
      isWatched: () => isWatched,
      ignore: () => void promise.catch(() => {}),
      resolve,
      reject,
    }
  }

  // ---- handlers and their rules

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

  function errorOf(outcome: Failed): Error {
    if (outcome.kind === 'failed') return Object.assign(new Error(outcome.message), { statusCode: outcome.status })
    return Object.assign(new Error(outcome.message), { statusCode: 412, item: fromWire(outcome.row) })
  }

  function rowsOf(outcome: Extract<AskOutcome, { kind: 'rows' }>, query: WireQuery): Fields[] {
    const rows = (JSON.parse(outcome.rows) as Fields[]).map(fromWire)
    if (query.take === null && rows.length > bridge.rowsMax) {
      throw new Error(`The query gives more than ${bridge.rowsMax} rows: read them in parts, with take() and skip().`)
    }
    if (outcome.count !== null) Object.defineProperty(rows, 'totalCount', { value: outcome.count })
    return rows
  }

  /** Takes over what the database completed: the id, and the system properties that were asked for. */
  function complete(item: Fields, row: Fields) {
    for (const [name, value] of Object.entries(fromWire(row))) item[name] = value
  }
  const versionIn = (item: Fields) => (typeof item.__version === 'string' ? item.__version : null)

  /** The user as scripts know them. Who did not sign in through a provider has no identities. */
  const userOf = ({ level, id, identities: told }: ScriptUser): Fields => {
    const identities = told === undefined ? null : (JSON.parse(JSON.stringify(told)) as Fields)
    const getIdentities = (given?: unknown) => {
      const { success } = typeof given === 'object' && given !== null ? (given as Handlers) : {}
      if (typeof success === 'function') queueMicrotask(() => guarded(() => success(identities)))
      if (typeof given === 'function') queueMicrotask(() => guarded(() => given(null, identities)))
      return identities
    }
    return { level, userId: id ?? undefined, getIdentities }
  }

  // ---- operations

  /** Has an operation done. `valuesOf`: what `success` is given; the promise gets the first of them. */
  function perform(what: TableAsk, handlers: Handlers, valuesOf: (done: AskOutcome) => unknown[]): unknown {
    const pending = newPending()
    const settled = (outcome: AskOutcome): unknown => {
      if (outcome.kind === 'failed' || outcome.kind === 'conflict') return failed(outcome)
      const values = valuesOf(outcome)
      pending.resolve(values[0])
      return typeof handlers.success === 'function' ? handlers.success(...values) : undefined
    }
    const failed = (outcome: Failed): unknown => {
      const { error, conflict } = handlers
      if (outcome.kind === 'conflict' && typeof conflict === 'function') return conflict(fromWire(outcome.row))
      if (typeof error === 'function') return error(errorOf(outcome))
      if (!pending.isWatched()) return bridge.fail(errorOf(outcome))
      pending.reject(errorOf(outcome))
      return undefined
    }
    bridge.ask(what, false, (outcome) => guarded(() => settled(outcome)))
    return pending.promise
  }

  const READ_OPTIONS = ['success', 'error', 'systemProperties', 'includeDeleted']
  function read(query: WireQuery, handlers: Handlers): unknown {
    const systemProperties = systemPropertiesOf(handlers, [])
    const includesDeleted = includes(handlers, false)
    const what = { op: 'read' as const, query, systemProperties, includesDeleted, isQuiet: false }
    return perform(what, handlers, (done) => [done.kind === 'rows' ? rowsOf(done, query) : []])
  }

  function tableObject(name: string): Fields {
    const begin =
      (method: string) =>
      (...values: unknown[]) => {
        const parts = newParts(name)
        const query = makeQuery(parts, (options) => read(parts, checkHandlers(options, READ_OPTIONS, 'read')))
        return (query[method] as (...given: unknown[]) => unknown)(...values)
      }
    const completed = (item: Fields) => (done: AskOutcome) => {
      if (done.kind === 'row') complete(item, done.row)
      return [item]
    }
    return {
      getTableName: () => name,
      insert: (item: Fields, options?: unknown) => {
        const handlers = checkHandlers(options, ['success', 'error', 'systemProperties'], 'insert')
        const systemProperties = systemPropertiesOf(handlers, [])
        const what = { op: 'insert' as const, table: name, item: toWire(item), systemProperties }
        return perform(what, handlers, completed(item))
      },
      update: (item: Fields, options?: unknown) => {
        const handlers = checkHandlers(options, ['success', 'error', 'conflict', 'systemProperties'], 'update')
        const systemProperties = systemPropertiesOf(handlers, [])
        const what = { op: 'update' as const, table: name, item: toWire(item), systemProperties }
        return perform({ ...what, version: versionIn(item), isUndelete: false }, handlers, completed(item))
      },
      del: (itemOrId: unknown, options?: unknown) => {
        const handlers = checkHandlers(options, ['success', 'error', 'conflict'], 'del')
        const isItem = typeof itemOrId === 'object' && itemOrId !== null
        const id = String(isItem ? (itemOrId as Fields).id : itemOrId)
        const version = isItem ? versionIn(itemOrId as Fields) : null
        return perform({ op: 'del', table: name, id, version }, handlers, () => [])
      },
      lookup: (id: unknown, options?: unknown) => {
        const handlers = checkHandlers(options, READ_OPTIONS, 'lookup')
        const systemProperties = systemPropertiesOf(handlers, [])
        const includesDeleted = includes(handlers, false)
        const what = { op: 'lookup' as const, table: name, id: String(id), systemProperties, includesDeleted }
        return perform(what, handlers, (done) => [done.kind === 'row' ? fromWire(done.row) : undefined])
      },
      read: (first?: unknown, second?: unknown) => {
        const parts = partsOf(first)
        return read(parts ?? newParts(name), checkHandlers(parts ? second : first, READ_OPTIONS, 'read'))
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
  const getTable = (name: unknown) => {
    if (typeof name !== 'string' || name === '') throw new Error('getTable() needs the name of a table.')
    return tableObject(name)
  }

  return {
    getTable,
    toWire,
    fromWire,
    guarded,
    fail: bridge.fail,
    checkHandlers,
    systemPropertiesOf,
    includes,
    errorOf,
    rowsOf,
    complete,
    versionIn,
    newPending,
    userOf,
  }
}
