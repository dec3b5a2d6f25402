// What a table script sees of its request: built anew inside the V8 context of each call, so that its objects are of
// the script's own world. Sent there as text: it may use nothing but its arguments and the globals of a bare context.
import type { Execution } from './call-under-way.ts'
import type { AskOutcome, LeftBody, ScriptAnswer, TableAsk, TableStart } from './messages.ts'
import type { Queries } from './script-queries.ts'
import type { Fields, Handlers, Pending, Tables } from './script-tables.ts'

/** What the sandbox gives for one call. Functions of the outer world: scripts get them wrapped only. */
export type Outside = {
  ask: (what: TableAsk, isExecute: boolean, done: (outcome: AskOutcome) => void) => void
  /** Has the request's own operation done at the end of the turn. */
  execute: (execution: Execution) => void
  answer: (answer: ScriptAnswer) => void
  /** Nothing that the script uses may come back to it unseen, when the turn has ended. */
  isSelfContained: boolean
  /** It can do no more with its item than set values: see tame-scripts.ts. */
  isTame: boolean
}

/** Prepares the `request` of a call and gives what runs the script's function with it. */
export const scriptSide = (
  start: TableStart,
  outside: Outside,
  { makeQuery, newParts }: Queries,
  tables: Tables,
): { run: (main: unknown) => void; runModern: (main: (about: Fields) => unknown) => void } => {
  const { fromWire, toWire, guarded, checkHandlers, systemPropertiesOf, includes, errorOf, rowsOf } = tables
  const { complete, versionIn, newPending, fail, userOf } = tables
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
  let lastOutcome: AskOutcome | null = null
  /** The script waits for its operation by a promise: what comes of it is the script's to say. */
  let isAwaited = false
  let awaitedError: Error | null = null
  /** The script's function came to its end, and so did its promise. */
  let isReturned = false
  /** Of a function of today: what it returns is the answer. Until then it may look at what came of its operation. */
  let isAnswerToCome = false
  /** What it returned while its operation was under way. */
  let returned: { value: unknown } | null = null
  /** Of an operation that failed. */
  let failed: Pending | null = null
  /** Twice as long in the one message as in two; what is larger takes its way in parts. */
  const LEFT_LENGTH_MAX = 1_000_000

  const finish = (answer: ScriptAnswer) => outside.answer(answer)
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
      const what = executeAsk(handlers)
      const pending = newPending()
      const done = (outcome: AskOutcome) => {
        executed = 'done'
        lastOutcome = outcome
        isAwaited = pending.isWatched()
        guarded(() => executedWith(handlers, outcome, pending))
      }
      const isHandled = [handlers.success, handlers.error, handlers.conflict].some((one) => typeof one === 'function')
      if (what.op !== 'read' && (isHandled || !isPlainItem())) {
        outside.ask(what, true, done)
        return pending.promise
      }
      // Whether somebody waits for what comes of it shows when `await` has had its turn.
      const isQuiet = () => typeof handlers.success !== 'function' && !pending.isWatched() && !isAnswerToCome
      const isLeft = () => outside.isSelfContained && isReturned && !isHandled && !pending.isWatched()
      outside.execute({
        isRead: what.op === 'read',
        what: () => (what.op === 'read' ? { ...what, isQuiet: isQuiet() } : what),
        left: () => (isLeft() ? leftBody(what) : null),
        done,
      })
      return pending.promise
    },
    respond: (...given: unknown[]) => {
      if (isResponded) throw new Error('Respond cannot be called more than once.')
      if (given.length === 0) respondDefault()
      else respondWith(given[0], given[1], given.length > 1)
      isResponded = true
    },
  }

  // True for one that is the same as JSON now and when its operation has completed it, but for what that adds.
  function isPlainItem(): boolean {
    if (item === null) return true
    if (Object.getPrototypeOf(item) !== Object.prototype || 'toJSON' in item || !Object.isExtensible(item)) return false
    // To look at how it has each value costs as much as a small script.
    if (outside.isTame) return Object.values(item).every(isSimple)
    return Object.values(Object.getOwnPropertyDescriptors(item)).every(
      ({ value, writable, enumerable }) => writable === true && enumerable === true && isSimple(value),
    )
  }

  function isSimple(value: unknown): boolean {
    return isScalar(value) || value === undefined || value instanceof Date
  }

  function isScalar(value: unknown): boolean {
    return value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
  }

  // What the operation's own answer is made of; null where that cannot be told before it.
  function leftBody(what: TableAsk): { body: LeftBody } | null {
    if (!('item' in what)) return { body: null }
    if (outside.isTame && isStored(what.item)) return { body: true }
    const body = isPlainItem() ? jsonOf(item) : null
    return body === null || body.length > LEFT_LENGTH_MAX ? null : { body }
  }

  // True while the item is what its operation was given, value for value.
  function isStored(stored: Fields): boolean {
    if (item === null) return false
    const names = Object.keys(item)
    let length = 0
    for (const name of names) {
      const value = item[name]
      if (value !== stored[name] || !isScalar(value)) return false
      length += typeof value === 'string' ? value.length : 0
    }
    return names.length === Object.keys(stored).length && length <= LEFT_LENGTH_MAX
  }

  function executeAsk(handlers: Handlers): TableAsk {
    const systemProperties = systemPropertiesOf(handlers, start.systemProperties)
    const { table } = start
    if (operation === 'read') {
      const includesDeleted = includes(handlers, start.includesDeleted)
      return { op: 'read', query: start.query ?? newParts(table), systemProperties, includesDeleted, isQuiet: false }
    }
    if (operation === 'del') return { op: 'del', table, id: String(start.id ?? ''), version: delVersion }
    const fields = item ?? {}
    if (operation === 'insert') return { op: 'insert', table, item: toWire(fields), systemProperties }
    if (fields.id !== itemId) throw new Error("The 'id' of an item can not be changed by an update script.")
    const { isUndelete } = start
    return { op: 'update', table, item: toWire(fields), systemProperties, version: versionIn(fields), isUndelete }
  }

  function executedWith(handlers: Handlers, outcome: AskOutcome, pending: Pending): unknown {
    failed = null
    if (outcome.kind === 'conflict')
      readyAgain(versionIn(fromWire(outcome.row)), typeof handlers.conflict === 'function')
    if (outcome.kind === 'conflict' && typeof handlers.conflict === 'function') {
      return handled(pending, handlers.conflict(fromWire(outcome.row)))
    }
    if (outcome.kind === 'failed' || outcome.kind === 'conflict') {
      if (typeof handlers.error === 'function') return handled(pending, handlers.error(errorOf(outcome)))
      if (!isAwaited && !isAnswerToCome) return finish({ kind: 'execute_failed' })
      failed = pending
      awaitedError = errorOf(outcome)
      // Nobody may look at it in the end: it is the answer then.
      pending.ignore()
      pending.reject(awaitedError)
      return concluded(undefined)
    }
    if (outcome.kind === 'row' && item) complete(item, outcome.row)
    if (outcome.kind === 'rows' && outcome.rows !== '') results = rowsOf(outcome, start.query ?? newParts(start.table))
    const value = outcome.kind === 'rows' ? results : (item ?? undefined)
    pending.resolve(value)
    if (typeof handlers.success === 'function')
      return concluded(value === results ? handlers.success(results) : handlers.success())
    if (returned?.value !== undefined) return concluded(undefined)
    return isAwaited || isAnswerToCome ? undefined : defaultAnswer()
  }

  // Whoever awaits an operation that a handler took care of goes on when that is through.
  function handled(pending: Pending, result: unknown): unknown {
    pending.ignore()
    pending.resolve(result)
    return concluded(result)
  }

  // What was returned meanwhile has waited for the outcome.
  function concluded(result: unknown): unknown {
    if (returned && returned.value !== undefined && executed !== 'running' && !isResponded) {
      request.respond(operation === 'insert' ? 201 : 200, returned.value)
    }
    return result
  }

  // The next try goes against the row as it is now: the client's change wins, unless the script decides otherwise.
  function readyAgain(current: string | null, isForHandler: boolean) {
    if (!isForHandler && !isAwaited && !isAnswerToCome) return
    delVersion = current
    if (item) item.__version = current
    executed = 'not yet'
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

  // A function that waited for its operation and said nothing else wants the answer that there is by itself.
  const ending = {
    done: () => {
      isReturned = true
      if (isAwaited && !isResponded && executed !== 'running' && lastOutcome) respondDefault()
    },
    failed: (error: unknown) => {
      if (error === awaitedError) finish({ kind: 'execute_failed' })
      else fail(error)
    },
  }

  /** The way of today: one argument with all there is, `next()` for the operation, and what is returned is the answer. */
  const runModern = (main: (about: Fields) => unknown) => {
    const subject = operation === 'read' ? { query } : operation === 'del' ? { id: start.id } : { item }
    const { parameters } = request
    const next = (options?: unknown) => request.execute(options)
    const about = {
      ...subject,
      user: userOf(start.user),
      tables: (globalThis as unknown as Fields).tables,
      request,
      parameters,
      next,
    }
    const answered = (value: unknown) => {
      isAnswerToCome = false
      if (isResponded) return
      // Its operation goes on: what comes of it is to be known first.
      if (executed === 'running') returned = { value }
      else if (failed && !failed.isWatched()) finish({ kind: 'execute_failed' })
      else if (value !== undefined) request.respond(operation === 'insert' ? 201 : 200, value)
      else if (lastOutcome) respondDefault()
      else request.respond(204)
    }
    const refused = (error: unknown) => {
      isAnswerToCome = false
      const status = typeof error === 'object' && error !== null ? (error as Fields).statusCode : undefined
      if (error === awaitedError) finish({ kind: 'execute_failed' })
      else if (typeof status !== 'number' || status < 400 || status > 499 || isResponded) fail(error)
      else request.respond(status, { code: status, error: String(error) })
    }
    isAnswerToCome = true
    Promise.resolve()
      .then(() => main(about))
      .then(answered)
      .catch(refused)
  }

  return {
    runModern,
    run: (main) =>
      guarded(() => {
        if (typeof main !== 'function') throw new Error(`The script defines no function '${operation}'.`)
        const subject = operation === 'read' ? query : operation === 'del' ? start.id : item
        const result: unknown = main(subject, userOf(start.user), request)
        // Of a promise that is told by its end.
        isReturned = typeof result !== 'object' || result === null
        return result
      }, ending),
  }
}
