// Tables and their rows in the original's management protocol.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { PermissionLevelView, type TableView } from '../contract/api.ts'
import { ID_TYPES } from '../contract/table-format.ts'
import type { ApiDeps } from '../control/compose.ts'
import { deleteRow, readRows, truncateRows } from '../control/rows.ts'
import { changePermissions, changeShape } from '../control/table-shape.ts'
import { beginTable, endTable, viewTables } from '../control/tables.ts'
import { viewScripts } from '../services/scripts.ts'
import { getService, getTable } from '../services/services.ts'
import { isOlderDialect } from './protocol.ts'
import { selfLink } from './self-link.ts'
import {
  columnEntries,
  columnToAdd,
  columnToDrop,
  statusOfIndex,
  tableEntry,
  tableScriptEntries,
} from './table-shapes.ts'

const Name = Type.String({ maxLength: 100 })
const ByService = Type.Object({ svc: Name })
const ByTable = Type.Object({ svc: Name, table: Name })
const ByColumn = Type.Object({ svc: Name, table: Name, column: Type.String({ minLength: 1, maxLength: 128 }) })
const Level = Type.Optional(PermissionLevelView)
// Clients send back what they got, with the link to it.
const Permissions = Type.Object({ insert: Level, read: Level, update: Level, delete: Level })
const NewTable = Type.Intersect([
  Permissions,
  Type.Object({ name: Type.String(), idType: Type.Optional(Type.Enum([...ID_TYPES])) }),
])

/** Tables: list, create, show, delete; permissions, columns, indexes, scripts. Rows: read, delete, truncate. */
export const tableRoutes: FastifyPluginAsyncTypebox<ApiDeps> = async (app, deps) => {
  const viewOf = async (request: FastifyRequest, { svc, table }: { svc: string; table: string }) => {
    const [view] = await viewTables(deps, deps.callerOf(request), svc, table)
    return view as TableView
  }
  const linkOf = (request: FastifyRequest, table: string) => selfLink(deps, request, 'tables', table)

  app.get('/tables', { schema: { params: ByService } }, async (request) => {
    const views = await viewTables(deps, deps.callerOf(request), request.params.svc)
    return views.map((view) => tableEntry(view, linkOf(request, view.name)))
  })

  app.post('/tables', { schema: { params: ByService, body: NewTable } }, async (request, reply) => {
    const { name, idType = 'string' } = request.body
    const wanted = { name, idType, permissions: permissionsIn(request.body) }
    await beginTable(deps, deps.callerOf(request), request.params.svc, wanted)
    return reply.code(201).send({ location: linkOf(request, name) })
  })

  app.get('/tables/:table', { schema: { params: ByTable } }, async (request) => {
    const view = await viewOf(request, request.params)
    return tableEntry(view, linkOf(request, view.name))
  })

  app.delete('/tables/:table', { schema: { params: ByTable } }, async (request, reply) => {
    await endTable(deps, deps.callerOf(request), request.params.svc, request.params.table)
    return reply.code(204).send()
  })

  const permissionsOf = (
    request: FastifyRequest,
    { name, permissions }: { name: string } & Pick<TableView, 'permissions'>,
  ) => ({
    selflink: `${linkOf(request, name)}/permissions`,
    ...permissions,
  })
  app.get('/tables/:table/permissions', { schema: { params: ByTable } }, async (request) => {
    const { svc, table } = request.params
    const service = await getService(deps.db, deps.callerOf(request).subscriptionId, svc)
    return permissionsOf(request, await getTable(deps.db, service, table))
  })

  app.put('/tables/:table/permissions', { schema: { params: ByTable, body: Permissions } }, async (request) => {
    const { svc, table } = request.params
    const caller = deps.callerOf(request)
    await changePermissions(deps, caller, { service: svc, table }, permissionsIn(request.body))
    return permissionsOf(request, await getTable(deps.db, await getService(deps.db, caller.subscriptionId, svc), table))
  })

  app.get('/tables/:table/columns', { schema: { params: ByTable } }, async (request) => {
    const view = await viewOf(request, request.params)
    return columnEntries(view, { selflink: linkOf(request, view.name), isOlder: isOlderDialect(request) })
  })

  const addSchema = { params: ByColumn, body: Type.Object({ type: Type.Optional(Type.String({ maxLength: 50 })) }) }
  app.post('/tables/:table/columns/:column', { schema: addSchema }, async (request, reply) => {
    const { svc, table, column } = request.params
    const change = columnToAdd(column, request.body.type)
    const caller = deps.callerOf(request)
    if (change === null) await getTable(deps.db, await getService(deps.db, caller.subscriptionId, svc), table)
    else await changeShape(deps, caller, { service: svc, table }, change)
    return reply.code(201).send()
  })

  app.delete('/tables/:table/columns/:column', { schema: { params: ByColumn } }, async (request, reply) => {
    const { svc, table, column } = request.params
    await changeShape(deps, deps.callerOf(request), { service: svc, table }, columnToDrop(column))
    return reply.code(204).send()
  })

  app.put('/tables/:table/indexes/:column', { schema: { params: ByColumn } }, async (request, reply) => {
    const { svc, table, column } = request.params
    const change = { kind: 'add_index' as const, column }
    const done = await changeShape(deps, deps.callerOf(request), { service: svc, table }, change)
    return reply.code(statusOfIndex(done)).send()
  })

  app.delete('/tables/:table/indexes/:column', { schema: { params: ByColumn } }, async (request, reply) => {
    const { svc, table, column } = request.params
    await changeShape(deps, deps.callerOf(request), { service: svc, table }, { kind: 'drop_index', column })
    return reply.code(204).send()
  })

  app.get('/tables/:table/scripts', { schema: { params: ByTable } }, async (request) => {
    const service = await getService(deps.db, deps.callerOf(request).subscriptionId, request.params.svc)
    const { name: table } = await getTable(deps.db, service, request.params.table)
    const scripts = await viewScripts(deps.db, service.id)
    return tableScriptEntries(scripts, { table, selflink: linkOf(request, table) })
  })

  app.get('/tables/:table/data', { schema: { params: ByTable } }, async (request, reply) => {
    const { svc, table } = request.params
    const names = { service: svc, table }
    const { status, body } = await readRows(deps, deps.callerOf(request), names, queryOf(request.url))
    return reply.code(status).send(body)
  })

  const Row = Type.Object({ id: Type.String({ minLength: 1, maxLength: 255 }) })
  app.delete('/tables/:table/data', { schema: { params: ByTable, querystring: Row } }, async (request, reply) => {
    const { svc, table } = request.params
    await deleteRow(deps, deps.callerOf(request), { service: svc, table }, request.query.id)
    return reply.code(204).send()
  })

  const Confirm = Type.Object({ confirm: Type.Optional(Type.Boolean()) })
  app.post('/tables/:table/truncate', { schema: { params: ByTable, body: Confirm } }, async (request) => {
    const { svc, table } = request.params
    const { confirm = false } = request.body
    return await truncateRows(deps, deps.callerOf(request), { service: svc, table }, confirm)
  })
}

function permissionsIn({ insert, read, update, delete: remove }: Partial<TableView['permissions']>) {
  return {
    ...(insert === undefined ? {} : { insert }),
    ...(read === undefined ? {} : { read }),
    ...(update === undefined ? {} : { update }),
    ...(remove === undefined ? {} : { delete: remove }),
  }
}

// Rows are shown with their system columns.
function queryOf(url: string): string {
  const query = url.includes('?') ? url.slice(url.indexOf('?') + 1) : ''
  if (/(?:^|&)__systemProperties=/i.test(query)) return `?${query}`
  return `?${query === '' ? '' : `${query}&`}__systemProperties=*`
}
