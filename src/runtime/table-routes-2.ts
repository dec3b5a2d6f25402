// The table protocol as the second generation of clients knows it: whole rows with system columns under plain names, an
// entity tag with each, a link to the next page.
import { randomUUID } from 'node:crypto'
import { Fault } from '../kit/fault.ts'
import { type Answer, methodNotAllowed } from './answer.ts'
import { badRequest, itemNotFound } from './app-faults.ts'
import { demandOf, isNoneMatch } from './etags.ts'
import { checkSameId, parsePlainItem } from './item-body.ts'
import { parseItemQuery, parseListQuery, parseOptions } from './read-query.ts'
import { locationOf, nextPageLink, pageAnswer, wholeAnswer } from './row-answers.ts'
import { checkRowId, idTypeOf, newIdOf } from './row-id.ts'
import { guarded, permit, requireUndelete, scripted, type TableContext } from './table-context.ts'
import type { ReadRow, RowKey } from './table-store.ts'

const GENERATION = { clientGeneration: 2, systemColumns: [] as string[] } as const
const NOT_ALLOWED = { table: 'GET, POST, PATCH', item: 'GET, POST, PATCH, DELETE' }

/** Answers a request for a table, or with `id` for a row of it. */
export async function answerPlainly(context: TableContext, id: string | undefined): Promise<Answer> {
  const { method } = context.request
  const idType = idTypeOf(context.table)
  switch (method) {
    case 'GET':
      permit(context, 'read')
      if (id === undefined) return await (scripted(context, 'read', null) ?? list(context))
      return await (scripted(context, 'read', checkRowId(id, idType)) ?? read(context, checkRowId(id, idType)))
    case 'POST':
      permit(context, 'insert')
      if (id === undefined) return await (scripted(context, 'insert', null) ?? insert(context))
      await requireUndelete(context)
      return await (scripted(context, 'update', checkRowId(id, idType)) ?? undelete(context, checkRowId(id, idType)))
    case 'PATCH': {
      permit(context, 'update')
      const wanted = await idOfUpdate(context, id)
      return await (scripted(context, 'update', wanted) ?? update(context, wanted))
    }
    case 'DELETE':
      if (id === undefined) return methodNotAllowed(NOT_ALLOWED.table)
      permit(context, 'delete')
      return await (scripted(context, 'delete', checkRowId(id, idType)) ?? remove(context, checkRowId(id, idType)))
    default:
      return methodNotAllowed(id === undefined ? NOT_ALLOWED.table : NOT_ALLOWED.item)
  }
}

async function list(context: TableContext): Promise<Answer> {
  const { request, service, table } = context
  const { includesDeleted } = parseOptions(request.query)
  const wanted = parseListQuery(request.query)
  return await guarded(context, false, async () => {
    const page = await service.store.list(table.name, { ...wanted, ...GENERATION, includesDeleted }, request.work)
    const answer = pageAnswer(page, wanted.wantsCount)
    const link = page && nextPageLink(request, wanted, page)
    return link ? { ...answer, headers: { ...answer.headers, link } } : answer
  })
}

async function read(context: TableContext, id: string): Promise<Answer> {
  const { request, service, table } = context
  const { includesDeleted } = parseOptions(request.query)
  const asked = { ...parseItemQuery(request.query), ...GENERATION, includesDeleted }
  return await guarded(context, false, async () => {
    const found = await service.store.find(table.name, id, asked, request.work)
    if (!found) throw itemNotFound(id, 2)
    const isKnown = found.version !== null && isNoneMatch(request.headers, found.version)
    return isKnown ? { ...wholeAnswer(304, found), body: '' } : wholeAnswer(200, found)
  })
}

async function insert(context: TableContext): Promise<Answer> {
  const { request, service, table } = context
  const idType = idTypeOf(table)
  const { id: given, properties } = parsePlainItem(await request.readBody(), idType)
  const wanted = newIdOf(given, idType, randomUUID)
  return await guarded(context, true, async () => {
    try {
      const { id, row } = await service.store.insertWhole(table.name, { id: wanted, properties }, request.work)
      return wholeAnswer(201, row, { location: locationOf(request, id) })
    } catch (error) {
      if (!(error instanceof Fault && error.code === 'app.conflict')) throw error
      const current = wanted === null ? null : await findAny(context, wanted)
      if (!current) throw error
      return wholeAnswer(409, current)
    }
  })
}

async function update(context: TableContext, id: string): Promise<Answer> {
  const { request, service, table } = context
  const item = parsePlainItem(await request.readBody(), idTypeOf(table))
  checkSameId(item, id)
  const { version, status } = demandOf(request.headers, item.version)
  const change = { properties: item.properties, isUndelete: false }
  return await guarded(context, true, async () => {
    if (item.properties.length === 0) return await unchanged(context, { id, version }, status)
    const stored = await service.store.updateWhole(table.name, { id, version }, change, request.work)
    return stored ? wholeAnswer(200, stored) : await notMatched(context, { id, version }, status)
  })
}

// Nothing to change: the row as it is, if it is the one that is meant.
async function unchanged(context: TableContext, key: RowKey, status: 409 | 412): Promise<Answer> {
  const { service, table, request } = context
  const asked = { select: null, ...GENERATION, filters: [], includesDeleted: false }
  const found = await service.store.find(table.name, key.id, asked, request.work)
  if (!found) throw itemNotFound(key.id, 2)
  return wholeAnswer(key.version === null || key.version === found.version ? 200 : status, found)
}

async function remove(context: TableContext, id: string): Promise<Answer> {
  const { request, service, table } = context
  const { version, status } = demandOf(request.headers, null)
  return await guarded(context, true, async () => {
    const deleted = await service.store.deleteWhole(table.name, { id, version }, request.work)
    return deleted ? wholeAnswer(200, deleted) : await notMatched(context, { id, version }, status)
  })
}

async function undelete(context: TableContext, id: string): Promise<Answer> {
  const { request, service, table } = context
  const { version, status } = demandOf(request.headers, null)
  const change = { properties: [], isUndelete: true }
  return await guarded(context, true, async () => {
    const stored = await service.store.updateWhole(table.name, { id, version }, change, request.work)
    return stored ? wholeAnswer(201, stored) : await notMatched(context, { id, version }, status)
  })
}

// The row as it is now, whole, so that a client can settle the conflict; 404 when there is no such row.
async function notMatched(context: TableContext, key: RowKey, status: 409 | 412): Promise<Answer> {
  const current = key.version === null ? null : await findAny(context, key.id)
  if (!current) throw itemNotFound(key.id, 2)
  return wholeAnswer(status, current)
}

// A row by id, whole, marked as deleted or not.
async function findAny({ service, table, request }: TableContext, id: string): Promise<ReadRow | null> {
  const asked = { select: null, ...GENERATION, filters: [], includesDeleted: true }
  return await service.store.find(table.name, id, asked, request.work)
}

// In the URL, or in the body.
async function idOfUpdate({ request, table }: TableContext, id: string | undefined): Promise<string> {
  if (id !== undefined) return checkRowId(id, idTypeOf(table))
  const item = parsePlainItem(await request.readBody(), idTypeOf(table))
  if (item.id === null) throw badRequest('An id value must be specified for an update operation.')
  return item.id
}
