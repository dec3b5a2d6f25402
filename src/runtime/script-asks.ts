// What a script asks for, carried out through the table store. Also remembers what the request's own operation gave, for
// the answer that a script leaves to us.
import { randomUUID } from 'node:crypto'
import type { RuntimeService } from '../contract/runtime-channel.ts'
import { ID_COLUMN, type IdType, SYSTEM_COLUMNS, VERSION_COLUMN } from '../contract/table-format.ts'
import { Fault } from '../kit/fault.ts'
import { SCRIPT_ROWS_MAX } from '../kit/limits.ts'
import type { Expression, OrderTerm } from '../query/expression.ts'
import type { AskOutcome, ScriptAsk, TableAsk, WireItem, WireQuery } from '../sandbox/messages.ts'
import type { Ask } from '../sandbox/sandbox-process.ts'
import { DATE_KEY } from '../sandbox/wire.ts'
import type { Answer } from './answer.ts'
import type { Work } from './app-database.ts'
import { answerOfError, BAD_REQUEST_TEXT, badRequest, itemNotFound, scriptFailed, timedOut } from './app-faults.ts'
import { type ClientGeneration, plainName, withPlainNames } from './client-generation.ts'
import { type Item, parseItem } from './item-body.ts'
import type { Leases } from './leases.ts'
import type { PushSender } from './push-sender.ts'
import { parseFilters, parseSystemProperties } from './read-query.ts'
import { conflictAnswer } from './row-answers.ts'
import { checkRowId, idTypeOf, idValue, newIdOf } from './row-id.ts'
import type { ScriptFetches } from './script-fetch.ts'
import { isPushAsk, ScriptPush } from './script-push.ts'
import { isSqlAsk, ScriptSql, sqlProblem } from './script-sql.ts'
import { findTable, type ServedService } from './services.ts'
import type { Page, ReadRow, WrittenRow } from './table-store.ts'

/** What the request's own operation came to; none: the script has not executed it. */
export type Executed =
  | { kind: 'none' }
  | { kind: 'written'; id: string; version: string | null }
  | { kind: 'deleted' }
  | { kind: 'page'; page: Page | null; wantsCount: boolean }
  | { kind: 'item'; found: ReadRow | null; id: string; select: string[] | null; systemColumns: string[] }
  | { kind: 'failed'; answer: Answer; error: unknown }

type ScriptTable = { name: string; idType: IdType }

/** What changes nothing. What SQL does, nobody knows but PostgreSQL. */
const READING = new Set<ScriptAsk['op']>(['read', 'lookup', 'sql_names', 'sql_open', 'sql_close'])

function isReading(what: ScriptAsk): boolean {
  if (isPushAsk(what)) return ScriptPush.isReading(what)
  return what.op === 'fetch' ? /^(?:get|head)$/i.test(String(what.method)) : READING.has(what.op)
}

export class ScriptAsks {
  readonly #service: ServedService
  readonly #leases: Leases
  readonly #fetches: ScriptFetches
  readonly #push: PushSender
  readonly #deadline: number
  readonly #clientGeneration: ClientGeneration
  readonly #conflictStatus: 409 | 412
  #sql: ScriptSql | null = null
  /** There once something is fetched. */
  #ending: AbortController | null = null
  #isOver = false
  #executed: Executed = { kind: 'none' }
  #hasWritten = false

  /**
   * `conflictStatus`: how a conflict is answered where the script leaves that to us. This and the generation are those of a
   * request for a table; other scripts work with tables as the first generation does.
   */
  constructor(deps: {
    service: ServedService
    leases: Leases
    fetches: ScriptFetches
    push: PushSender
    deadline: number
    clientGeneration?: ClientGeneration
    conflictStatus?: 409 | 412
  }) {
    this.#service = deps.service
    this.#leases = deps.leases
    this.#fetches = deps.fetches
    this.#push = deps.push
    this.#deadline = deps.deadline
    this.#clientGeneration = deps.clientGeneration ?? 1
    this.#conflictStatus = deps.conflictStatus ?? 412
  }

  get executed(): Executed {
    return this.#executed
  }

  /** True once a write was begun: then nobody may say that nothing was done. */
  get hasWritten(): boolean {
    return this.#hasWritten
  }

  /** Carries one out. What fails is an outcome, too: the script decides what comes of it. */
  async carryOut(ask: Ask): Promise<AskOutcome> {
    const { what, isExecute } = ask
    const isWrite = !isReading(what)
    if (isWrite) this.#hasWritten = true
    try {
      // What goes to the world needs no lease.
      if (what.op === 'fetch' || (isPushAsk(what) && ScriptPush.isDirect(what))) return await this.#do(what, isExecute)
      const { server } = this.#service.assignment.database
      return await this.#leases.guard({ server, isWrite }, async () => await this.#do(what, isExecute))
    } catch (error) {
      if (isExecute) this.#executed = { kind: 'failed', answer: answerOfFailed(error, this.#clientGeneration), error }
      return outcomeOf(error)
    }
  }

  /** The script's request is over: what it left open is given back. */
  end(): void {
    this.#isOver = true
    this.#ending?.abort()
    this.#sql?.end()
  }

  async #do(what: ScriptAsk, isExecute: boolean): Promise<AskOutcome> {
    if (what.op === 'fetch') {
      if (this.#isOver) throw timedOut()
      this.#ending ??= new AbortController()
      const until = { deadline: this.#deadline, signal: this.#ending.signal }
      return await this.#fetches.carryOut(this.#service.assignment.id, what, until)
    }
    if (isSqlAsk(what)) {
      if (this.#isOver) throw timedOut()
      this.#sql ??= new ScriptSql(this.#service, this.#deadline)
      return await this.#sql.carryOut(what)
    }
    if (isPushAsk(what)) return await new ScriptPush(this.#service, this.#push).carryOut(what, this.#work())
    switch (what.op) {
      case 'insert':
        return await this.#insert(what, isExecute)
      case 'update':
        return await this.#update(what, isExecute)
      case 'del':
        return await this.#delete(what, isExecute)
      case 'lookup':
        return await this.#lookup(what)
      case 'read':
        return await this.#read(what, isExecute)
    }
  }

  async #insert(what: Extract<TableAsk, { op: 'insert' }>, isExecute: boolean): Promise<AskOutcome> {
    const { name, idType } = this.#tableOf(what.table)
    const item = itemOf(what.item, idType)
    const wanted = newIdOf(item.id, idType, () => randomUUID().toUpperCase())
    const row = { id: wanted, properties: item.properties }
    const { id, row: written } = await this.#service.store.insert(name, row, this.#work())
    return this.#written({ id, idType, written, asked: parseAsked(what.systemProperties), isExecute })
  }

  async #update(what: Extract<TableAsk, { op: 'update' }>, isExecute: boolean): Promise<AskOutcome> {
    const table = this.#tableOf(what.table)
    const { idType } = table
    const item = itemOf(what.item, idType)
    if (item.id === null) throw badRequest('An item needs an id to be updated.')
    const key = { id: item.id, version: this.#versionOf(what, { idType, isExecute }) }
    const asked = [...parseAsked(what.systemProperties), ...(key.version === null ? [] : [VERSION_COLUMN])]
    // As without a script: nothing to change, nothing touched.
    const { properties } = item
    const { isUndelete } = what
    if (properties.length === 0 && !isUndelete)
      return this.#written({ id: key.id, idType, written: {}, asked, isExecute })
    const written = await this.#service.store.update(table.name, key, { properties, isUndelete }, this.#work())
    if (!written) return await this.#notMatched(table.name, key, { isExecute, isUpdate: !isUndelete })
    return this.#written({ id: key.id, idType, written, asked, isExecute })
  }

  async #delete(what: Extract<TableAsk, { op: 'del' }>, isExecute: boolean): Promise<AskOutcome> {
    const { name, idType } = this.#tableOf(what.table)
    const key = { id: checkRowId(what.id, idType), version: this.#versionOf(what, { idType, isExecute }) }
    const isDeleted = await this.#service.store.delete(name, key, this.#work())
    if (!isDeleted) return await this.#notMatched(name, key, { isExecute, isUpdate: false })
    if (isExecute) this.#executed = { kind: 'deleted' }
    return { kind: 'done' }
  }

  async #lookup(what: Extract<TableAsk, { op: 'lookup' }>): Promise<AskOutcome> {
    const { includesDeleted } = what
    const asked = { select: null, systemColumns: parseAsked(what.systemProperties), filters: [], includesDeleted }
    const { name, idType } = this.#tableOf(what.table)
    const id = checkRowId(what.id, idType)
    const found = await this.#service.store.find(name, id, asked, this.#work())
    if (!found) throw itemNotFound(id)
    return { kind: 'row', row: JSON.parse(found.row) as WireItem }
  }

  async #read(what: Extract<TableAsk, { op: 'read' }>, isExecute: boolean): Promise<AskOutcome> {
    const { query, isQuiet, includesDeleted } = what
    const table = this.#tableOf(query.table)
    const systemColumns = parseAsked(what.systemProperties)
    const select = query.selections.length > 0 ? query.selections.map(String) : null
    const isPlainItem = query.id !== null && query.filters.length === 0
    if (isExecute && isQuiet && isPlainItem && query.id !== null) {
      const asked = { select, systemColumns, filters: [], includesDeleted, clientGeneration: this.#clientGeneration }
      const found = await this.#service.store.find(table.name, query.id, asked, this.#work())
      this.#executed = { kind: 'item', found, id: query.id, select, systemColumns }
      return { kind: 'rows', rows: '', count: null }
    }
    // The request's own query is in its client's words, and so are its rows.
    const clientGeneration = isExecute ? this.#clientGeneration : 1
    const page = await this.#list(table, query, { select, systemColumns, includesDeleted, clientGeneration })
    const rows = page?.rows ?? '[]'
    if (isExecute) this.#executed = executedRead(query, page, { rows, select, systemColumns })
    const count = query.includeTotalCount && page?.count ? Number(page.count) : null
    return { kind: 'rows', rows: isQuiet ? '' : rows, count }
  }

  async #list(
    table: ScriptTable,
    query: WireQuery,
    asked: {
      select: string[] | null
      systemColumns: string[]
      includesDeleted: boolean
      clientGeneration: ClientGeneration
    },
  ): Promise<Page | null> {
    const byId = query.id === null ? [] : [isId(query.id, table.idType)]
    const wanted = {
      ...asked,
      // One more than a script may have shows that there are more.
      top: Math.min(query.take ?? SCRIPT_ROWS_MAX + 1, SCRIPT_ROWS_MAX + 1),
      skip: query.skip,
      orderBy: query.ordering.flatMap(orderTermOf),
      wantsCount: query.includeTotalCount,
      filters: [...byId, ...query.filters.flatMap((text) => parseFilters(String(text)))],
    }
    return await this.#service.store.list(table.name, wanted, this.#work())
  }

  async #notMatched(
    table: string,
    key: { id: string; version: string | null },
    { isExecute, isUpdate }: { isExecute: boolean; isUpdate: boolean },
  ): Promise<AskOutcome> {
    const asked = { select: null, systemColumns: [...SYSTEM_COLUMNS], filters: [], includesDeleted: true }
    // As without a script: to the first generation an update of a row that is marked as deleted is a conflict.
    const clientGeneration = isExecute ? this.#clientGeneration : 1
    const isAsked = key.version !== null || (isUpdate && clientGeneration === 1)
    const current = isAsked ? await this.#service.store.find(table, key.id, asked, this.#work()) : null
    if (!current) throw itemNotFound(key.id)
    const message = `The item with id '${key.id}' was changed by somebody else.`
    const row = JSON.parse(current.row) as WireItem
    if (isExecute) this.#executed = { kind: 'failed', answer: this.#conflictAnswer(current, row), error: null }
    return { kind: 'conflict', row, message }
  }

  #conflictAnswer(current: ReadRow, row: WireItem): Answer {
    if (this.#clientGeneration === 1) return conflictAnswer(current)
    const plain = JSON.stringify(withPlainNames(row))
    return { ...conflictAnswer({ ...current, row: plain }), status: this.#conflictStatus }
  }

  // Where ids are integers, versions are there for the second generation's requests only.
  #versionOf(what: { version: string | null }, { idType, isExecute }: { idType: IdType; isExecute: boolean }) {
    const hasVersions = idType === 'string' || (isExecute && this.#clientGeneration === 2)
    return hasVersions ? what.version : null
  }

  #written(row: { id: string; idType: IdType; written: WrittenRow; asked: string[]; isExecute: boolean }): AskOutcome {
    const shown = SYSTEM_COLUMNS.filter((column) => row.asked.includes(column) && row.written[column] !== undefined)
    const version = shown.includes(VERSION_COLUMN) ? (row.written[VERSION_COLUMN] ?? null) : null
    if (row.isExecute) this.#executed = { kind: 'written', id: row.id, version }
    const id = idValue(row.id, row.idType)
    return { kind: 'row', row: { id, ...Object.fromEntries(shown.map((name) => [name, row.written[name]])) } }
  }

  #tableOf(name: string): ScriptTable {
    const table = findTable(this.#service.assignment as RuntimeService, String(name))
    if (!table) throw new Fault('app.not_found', 404, `Table '${name}' does not exist.`)
    return { name: table.name, idType: idTypeOf(table) }
  }

  // Of its own for each: several may be under way at once.
  #work(): Work {
    return { deadline: this.#deadline, isWriteInFlight: false }
  }
}

function executedRead(
  query: WireQuery,
  page: Page | null,
  read: { rows: string; select: string[] | null; systemColumns: string[] },
): Executed {
  if (query.id === null) return { kind: 'page', page, wantsCount: query.includeTotalCount }
  const [first] = JSON.parse(read.rows) as WireItem[]
  const shown = first?.[VERSION_COLUMN] ?? first?.[plainName(VERSION_COLUMN)]
  const version = typeof shown === 'string' ? shown : null
  const found = first ? { row: JSON.stringify(first), version } : null
  return { kind: 'item', found, id: query.id, select: read.select, systemColumns: read.systemColumns }
}

// A script may hand back a row as it read it: what only the database sets is left out.
function itemOf(fields: WireItem, idType: IdType): Item {
  const isOwn = (name: string) => !SYSTEM_COLUMNS.some((column) => column === name)
  const isPlain = Object.keys(fields).every((name) => isOwn(name) && plainOf(fields[name]) === fields[name])
  if (isPlain) return parseItem(fields, idType)
  const own = Object.entries(fields).filter(([name]) => isOwn(name))
  return parseItem(Object.fromEntries(own.map(([name, value]) => [name, plainOf(value)])), idType)
}

function plainOf(value: unknown): unknown {
  const date = typeof value === 'object' && value !== null && DATE_KEY in value ? value[DATE_KEY] : undefined
  return typeof date === 'string' ? date : value
}

function isId(id: string, idType: IdType): Expression {
  const left = { kind: 'member', name: ID_COLUMN, at: 0 } as const
  const right = { kind: idType === 'integer' ? 'number' : 'string', text: id, at: 0 } as const
  return { kind: 'comparison', operator: 'eq', left, right, at: 0 }
}

function orderTermOf({ term, isDescending }: WireQuery['ordering'][number]): OrderTerm[] {
  return parseFilters(String(term)).map((expression) => ({ expression, isDescending: isDescending === true }))
}

function parseAsked(names: string[]): string[] {
  return names.length === 0 ? [] : parseSystemProperties(names.map(String).join(','))
}

function outcomeOf(error: unknown): AskOutcome {
  const sql = sqlProblem(error)
  if (sql) return { kind: 'failed', status: 500, ...sql }
  if (error instanceof Fault) return { kind: 'failed', status: error.status, message: error.message }
  return { kind: 'failed', status: 500, message: error instanceof Error ? error.message : String(error) }
}

// With a script, data that does not fit is the script's doing.
function answerOfFailed(error: unknown, clientGeneration: ClientGeneration): Answer {
  // The client's own query was read before the script ran.
  const isBadQuery = error instanceof Fault && error.code === 'app.bad_query'
  const isBadData = isBadQuery || (error instanceof Fault && error.message === BAD_REQUEST_TEXT)
  return answerOfError(isBadData || !(error instanceof Fault) ? scriptFailed(error) : error, clientGeneration)
}
