// The table protocol: `/tables/T` and `/tables/T/ID`, as the first generation of clients knows them.
import { randomUUID } from 'node:crypto'
import { DELETED_COLUMN, SYSTEM_COLUMNS, VERSION_COLUMN } from '../contract/table-format.ts'
import { type Answer, emptyAnswer, jsonAnswer, methodNotAllowed } from './answer.ts'
import { badRequest, itemNotFound, notFound } from './app-faults.ts'
import { identify } from './credentials.ts'
import { parseIfMatch } from './etags.ts'
import { checkSameId, parseItem } from './item-body.ts'
import { parseItemQuery, parseListQuery, parseOptions } from './read-query.ts'
import { conflictAnswer, itemAnswer, locationOf, pageAnswer, rowAnswer } from './row-answers.ts'
import { checkRowId, idTypeOf, idValue, newIdOf } from './row-id.ts'
import { findTable } from './services.ts'
import { guarded, isOperators, permit, requireUndelete, scripted, type TableContext } from './table-context.ts'
import { answerPlainly } from './table-routes-2.ts'
import type { RowKey } from './table-store.ts'

type Context = TableContext

/** Answers a request below `/tables`; `segments` are what follows, decoded. */
export async function answerTables(deps: Omit<TableContext, 'table' | 'user'>, segments: string[]): Promise<Answer> {
  const [name = '', id, ...rest] = segments
  if (name === '' || rest.length > 0) throw notFound()
  const table = findTable(deps.service.assignment, name)
  // Known before authorization, as in the original.
  if (!table) throw notFound(`Table '${name}' does not exist.`)
  const context = { ...deps, table, user: identify(deps.request, deps.service.assignment) }
  if (deps.request.clientGeneration === 2) return await answerPlainly(context, id)
  return id === undefined ? await answerTable(context) : await answerItem(context, id)
}

async function answerTable(context: Context): Promise<Answer> {
  switch (context.request.method) {
    case 'GET':
      permit(context, 'read')
      return await (scripted(context, 'read', null) ?? list(context))
    case 'POST':
      permit(context, 'insert')
      return await (scripted(context, 'insert', null) ?? insert(context))
    case 'PATCH':
      permit(context, 'update')
      throw badRequest('An id value must be specified in the URL for an update operation.')
    default:
      return methodNotAllowed('GET, POST')
  }
}

async function answerItem(context: Context, id: string): Promise<Answer> {
  // After who may was asked: a bad id is told to those only.
  const checked = () => checkRowId(id, idTypeOf(context.table))
  switch (context.request.method) {
    case 'GET':
      permit(context, 'read')
      return await (scripted(context, 'read', checked()) ?? read(context, checked()))
    case 'PATCH':
      permit(context, 'update')
      return await (scripted(context, 'update', checked()) ?? update(context, checked()))
    case 'DELETE':
      permit(context, 'delete')
      return await (scripted(context, 'delete', checked()) ?? remove(context, checked()))
    case 'POST':
      // An undelete creates a row again, hence the permission.
      permit(context, 'insert')
      await requireUndelete(context)
      return await (scripted(context, 'update', checked()) ?? undelete(context, checked()))
    default:
      return methodNotAllowed('GET, POST, PATCH, DELETE')
  }
}

async function list(context: Context): Promise<Answer> {
  const { query, work } = context.request
  const { systemColumns, includesDeleted } = parseOptions(query)
  const wanted = parseListQuery(query)
  return await guarded(context, false, async () => {
    const asked = { ...wanted, systemColumns, includesDeleted, isStrict: isOperators(context) }
    const page = await context.service.store.list(context.table.name, asked, work)
    return pageAnswer(page, wanted.wantsCount)
  })
}

async function read(context: Context, id: string): Promise<Answer> {
  const { query, work, headers } = context.request
  const { systemColumns, includesDeleted } = parseOptions(query)
  const asked = { ...parseItemQuery(query), systemColumns, includesDeleted }
  return await guarded(context, false, async () => {
    const found = await context.service.store.find(context.table.name, id, asked, work)
    if (!found) throw itemNotFound(id)
    return rowAnswer(found, asked, headers)
  })
}

async function insert(context: Context): Promise<Answer> {
  const { request, service, table } = context
  const { systemColumns } = parseOptions(request.query)
  const idType = idTypeOf(table)
  const { id: given, properties } = parseItem(await request.readBody(), idType)
  const wanted = newIdOf(given, idType, () => randomUUID().toUpperCase())
  return await guarded(context, true, async () => {
    const { id, row: written } = await service.store.insert(table.name, { id: wanted, properties }, request.work)
    const location = { location: locationOf(request, id) }
    return itemAnswer(201, { id: idValue(id, idType), properties, written, systemColumns }, location)
  })
}

async function update(context: Context, id: string): Promise<Answer> {
  const { request, service, table } = context
  const { systemColumns } = parseOptions(request.query)
  const idType = idTypeOf(table)
  const version = demandedVersion(context)
  const item = parseItem(await request.readBody(), idType)
  checkSameId(item, id)
  const { properties } = item
  // As in the original: nothing to change, nothing touched, not even looked for.
  if (properties.length === 0) return jsonAnswer(200, JSON.stringify({ id: idValue(id, idType) }))
  return await guarded(context, true, async () => {
    const written = await service.store.update(
      table.name,
      { id, version },
      { properties, isUndelete: false },
      request.work,
    )
    if (!written) return await notMatched(context, { id, version }, 'update')
    const shown = version === null ? systemColumns : [...systemColumns, VERSION_COLUMN]
    return itemAnswer(200, { id: idValue(id, idType), properties, written, systemColumns: shown })
  })
}

async function remove(context: Context, id: string): Promise<Answer> {
  const { request, service, table } = context
  parseOptions(request.query)
  const key = { id, version: demandedVersion(context) }
  return await guarded(context, true, async () => {
    const isDeleted = await service.store.delete(table.name, key, request.work)
    return isDeleted ? emptyAnswer(204) : await notMatched(context, key, 'delete')
  })
}

// One that is not deleted is there all the same.
async function undelete(context: Context, id: string): Promise<Answer> {
  const { request, service, table } = context
  const { systemColumns } = parseOptions(request.query)
  const version = parseIfMatch(request.headers)
  return await guarded(context, true, async () => {
    const change = { properties: [], isUndelete: true }
    const written = await service.store.update(table.name, { id, version }, change, request.work)
    if (!written) return await notMatched(context, { id, version }, 'undelete')
    const shown = [...systemColumns, DELETED_COLUMN, ...(version === null ? [] : [VERSION_COLUMN])]
    return itemAnswer(200, { id, properties: [], written, systemColumns: shown })
  })
}

// Where ids are integers there are no versions to the first generation.
function demandedVersion({ request, table }: Context): string | null {
  return idTypeOf(table) === 'integer' ? null : parseIfMatch(request.headers)
}

// 412 with the row as it is now; 404 when there is no such row. An update of one that is marked as deleted is a
// conflict, whether or not a version was demanded; a delete of it finds nothing.
async function notMatched(context: Context, key: RowKey, what: 'update' | 'delete' | 'undelete'): Promise<Answer> {
  if (key.version === null && what !== 'update') throw itemNotFound(key.id)
  const asked = { select: null, systemColumns: [...SYSTEM_COLUMNS], filters: [], includesDeleted: true }
  const current = await context.service.store.find(context.table.name, key.id, asked, context.request.work)
  if (!current) throw itemNotFound(key.id)
  return conflictAnswer(current)
}
