// A table request that has a script: what the script is given, its run in the sandbox, and its answer.
import type { ScriptAssignment, TableDefinition } from '../contract/assignment.ts'
import { messageOf } from '../kit/fault.ts'
import { printExpression } from '../query/print.ts'
import type { ScriptAnswer, ScriptOperation, WireItem, WireQuery } from '../sandbox/messages.ts'
import { DATE_KEY } from '../sandbox/wire.ts'
import { type Answer, emptyAnswer, isBodiless, isStatus, jsonAnswer } from './answer.ts'
import { itemNotFound, scriptFailed } from './app-faults.ts'
import { scriptUserOf } from './credentials.ts'
import { demandOf, etagOf } from './etags.ts'
import { checkSameId, parseItem, takeVersion } from './item-body.ts'
import { isOption, parseItemQuery, parseListQuery, parseOptions } from './read-query.ts'
import { locationOf, pageAnswer, rowAnswer, wholeAnswer } from './row-answers.ts'
import { idTypeOf, idValue, newIdOf } from './row-id.ts'
import { type Executed, ScriptAsks } from './script-asks.ts'
import { failScript, runScript, sourceOf } from './script-run.ts'
import type { TableContext } from './table-context.ts'

/** Runs the script and answers as it says. `id` is the one in the URL. */
export async function answerByScript(
  context: TableContext,
  script: ScriptAssignment,
  id: string | null,
): Promise<Answer> {
  const { request, service, leases } = context
  const operation = operationOf(script.name)
  const { conflictStatus, ...subject } = await subjectOf(context, operation, id)
  const { server } = service.assignment.database
  const { clientGeneration } = request
  const asks = new ScriptAsks({
    service,
    leases,
    fetches: context.scripts.fetches,
    push: context.scripts.push,
    deadline: request.work.deadline,
    clientGeneration,
    conflictStatus,
  })
  return await leases.guard({ server, isWrite: operation !== 'read' }, async () => {
    const input = { what: 'table' as const, ...subject, ...aboutOf(context), operation }
    const about = { context, operation, source: sourceOf(script), asks }
    return await runScript(context, script, { input, asks }, async (answer) => await renderAnswer(about, answer))
  })
}

type Subject = {
  item: WireItem | null
  id: string | number | null
  query: WireQuery | null
  version: string | null
  isUndelete: boolean
}

function operationOf(name: string): ScriptOperation {
  const word = name.slice(name.lastIndexOf('.') + 1).toLowerCase()
  return word === 'delete' ? 'del' : word === 'insert' || word === 'update' ? word : 'read'
}

function aboutOf({ request, service, user, table }: TableContext) {
  const options = parseOptions(request.query)
  const parameters = [...request.query].filter(([name]) => !isOption(name))
  return {
    table: table.name,
    user: scriptUserOf(user, service.assignment),
    parameters: Object.fromEntries(parameters),
    // The second generation is shown all of a row.
    systemProperties: request.clientGeneration === 2 ? ['*'] : options.systemColumns,
    includesDeleted: options.includesDeleted,
  }
}

async function subjectOf(
  context: TableContext,
  operation: ScriptOperation,
  id: string | null,
): Promise<Subject & { conflictStatus: 409 | 412 }> {
  const { request, table } = context
  const none = { item: null, id: null, query: null, version: null, isUndelete: false, conflictStatus: 412 as const }
  switch (operation) {
    case 'read':
      return { ...none, query: queryOf(table.name, request.query, id) }
    case 'del':
      return { ...none, id: idOf(id, table), version: demanded(context, null).version }
    case 'insert':
      return { ...none, item: itemOf((await bodyOf(request)).rest, null, table) }
    case 'update': {
      const isUndelete = isUndeleteOf(request)
      const { rest, version: sent } = isUndelete ? { rest: {}, version: null } : await bodyOf(request)
      const { version, status: conflictStatus } = demanded(context, sent)
      return { ...none, version, item: itemOf(rest, id, table), isUndelete, conflictStatus }
    }
  }
}

// Where ids are integers there are no versions to the first generation.
function demanded(
  { request, table }: TableContext,
  sent: string | null,
): { version: string | null; status: 409 | 412 } {
  if (idTypeOf(table) === 'integer' && request.clientGeneration === 1) return { version: null, status: 412 }
  return demandOf(request.headers, sent)
}

function idOf(id: string | null, table: TableDefinition): string | number | null {
  return id === null ? null : idValue(id, idTypeOf(table))
}

// Without what a client of the second generation says of the version that it has.
async function bodyOf({ clientGeneration, readBody }: TableContext['request']) {
  const body = await readBody()
  return clientGeneration === 2 ? takeVersion(body) : { rest: body, version: null }
}

// An undelete is the only POST that an update script runs for.
function isUndeleteOf({ method }: TableContext['request']): boolean {
  return method === 'POST'
}

function queryOf(table: string, query: URLSearchParams, id: string | null): WireQuery {
  const empty = { table, id, ordering: [], skip: 0, take: null, includeTotalCount: false }
  if (id !== null) {
    const { select, filters } = parseItemQuery(query)
    return { ...empty, selections: select ?? [], filters: filters.map(printExpression) }
  }
  const { top, skip, orderBy, select, wantsCount, filters } = parseListQuery(query)
  return {
    ...{ ...empty, skip, take: top, includeTotalCount: wantsCount, selections: select ?? [] },
    filters: filters.map(printExpression),
    ordering: orderBy.map(({ expression, isDescending }) => ({ term: printExpression(expression), isDescending })),
  }
}

// Checked as without a script, except for objects and lists: a script may want to turn them into something else.
function itemOf(body: unknown, id: string | null, table: TableDefinition): WireItem {
  const isObject = typeof body === 'object' && body !== null && !Array.isArray(body)
  const idType = idTypeOf(table)
  const item = parseItem(isObject ? withoutObjects(body) : body, idType)
  if (id !== null) checkSameId(item, id)
  else if (idType === 'integer') newIdOf(item.id, idType, String)
  const fields: WireItem = isObject ? { ...body } : {}
  for (const { name, value } of item.properties) if (value.kind === 'date') fields[name] = { [DATE_KEY]: value.value }
  return id === null ? fields : { ...fields, id: idValue(id, idType) }
}

function withoutObjects(body: object): object {
  const entries = Object.entries(body)
  const isPlain = ([, value]: [string, unknown]) => typeof value !== 'object' || value === null
  return entries.every(isPlain) ? body : Object.fromEntries(entries.filter(isPlain))
}

// ---- the answer

type Run = { context: TableContext; operation: ScriptOperation; source: string; asks: ScriptAsks }

async function renderAnswer(about: Run, answer: ScriptAnswer): Promise<Answer> {
  const { context, asks, source } = about
  const fail = (message: string) => failScript(context, source, message)
  switch (answer.kind) {
    case 'default':
      return await renderDefault(about, answer.body)
    case 'respond': {
      const etag = answer.version === null ? undefined : etagOf(answer.version)
      const headers: Record<string, string> = etag && isHeaderText(etag) ? { etag } : {}
      if (!isStatus(answer.status)) throw fail('It answered with a status that is none.')
      if (answer.body === null || isBodiless(answer.status)) return emptyAnswer(answer.status, headers)
      return jsonAnswer(answer.status, String(answer.body), headers)
    }
    case 'execute_failed': {
      const { executed } = asks
      if (executed.kind !== 'failed') throw fail('It says that its operation failed, which it did not.')
      if (executed.answer.status >= 500) fail(messageOf(executed.error))
      return executed.answer
    }
    case 'failed':
      throw fail(String(answer.message))
    default:
      throw fail('It gave an answer that is none of a table script.')
  }
}

// What the operation answers by itself; `body` is there when the script has seen, and maybe changed, what it gave.
async function renderDefault(about: Run, body: string | null): Promise<Answer> {
  const { context, asks } = about
  const { request } = context
  const { executed } = asks
  switch (executed.kind) {
    case 'none':
      throw scriptFailed('it answered without having executed')
    case 'failed':
      return executed.answer
    case 'deleted':
      return emptyAnswer(204)
    case 'written':
      if (request.clientGeneration === 2) return await storedAnswer(about, executed)
      return writtenAnswer(about, executed, body ?? '{}')
    case 'page':
      return body === null ? pageAnswer(executed.page, executed.wantsCount) : jsonAnswer(200, body)
    case 'item':
      if (!executed.found) throw itemNotFound(executed.id, request.clientGeneration)
      return rowAnswer(body === null ? executed.found : { ...executed.found, row: body }, executed, request.headers)
  }
}

// What the script made of it is stored, and the second generation is shown what is stored.
async function storedAnswer(
  { context, operation }: Run,
  { id }: Extract<Executed, { kind: 'written' }>,
): Promise<Answer> {
  const { request, service, table } = context
  const asked = { select: null, systemColumns: [], filters: [], includesDeleted: true, clientGeneration: 2 as const }
  const stored = await service.store.find(table.name, id, asked, request.work)
  if (!stored) throw itemNotFound(id, 2)
  const isMade = request.method === 'POST'
  const location: Record<string, string> = operation === 'insert' ? { location: locationOf(request, id) } : {}
  return wholeAnswer(isMade ? 201 : 200, stored, location)
}

function writtenAnswer(
  { context: { request }, operation }: Run,
  { id, version }: Extract<Executed, { kind: 'written' }>,
  body: string,
): Answer {
  const etag: Record<string, string> = version === null ? {} : { etag: etagOf(version) }
  if (operation !== 'insert') return jsonAnswer(200, body, etag)
  return jsonAnswer(201, body, { ...etag, location: locationOf(request, id) })
}

// A version comes from the script: it must not become another header.
function isHeaderText(text: string): boolean {
  return /^[\x20-\x7e]{1,200}$/.test(text)
}
