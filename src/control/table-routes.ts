// The management API's routes for tables and their rows.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import {
  AddColumn,
  CreateTable,
  InsertedRowsView,
  InsertRows,
  RowView,
  SetPermissions,
  TableChangeView,
  TableView,
  Truncate,
  TruncateView,
  UpdateRow,
} from '../contract/api.ts'
import { API } from '../contract/api-routes.ts'
import type { ApiDeps } from './compose.ts'
import { deleteRow, insertRows, readRows, truncateRows, updateRow } from './rows.ts'
import { changePermissions, changeShape } from './table-shape.ts'
import { beginTable, endTable, viewTables } from './tables.ts'

const ByService = Type.Object({ service: Type.String({ maxLength: 100 }) })
const ByTable = Type.Object({ service: Type.String({ maxLength: 100 }), table: Type.String({ maxLength: 100 }) })
const ByColumn = Type.Object({
  service: Type.String({ maxLength: 100 }),
  table: Type.String({ maxLength: 100 }),
  column: Type.String({ minLength: 1, maxLength: 128 }),
})
const SHAPE_ROUTES = [
  ['DELETE', API.column, 'drop_column'],
  ['PUT', API.index, 'add_index'],
  ['DELETE', API.index, 'drop_index'],
] as const

/** Tables: list, show, create, delete; data: read, insert, update, delete. */
export const tableRoutes: FastifyPluginAsyncTypebox<ApiDeps> = async (app, deps) => {
  app.get(API.tables, { schema: { params: ByService, response: { 200: Type.Array(TableView) } } }, async (request) => {
    return await viewTables(deps, deps.callerOf(request), request.params.service)
  })

  app.get(API.table, { schema: { params: ByTable, response: { 200: TableView } } }, async (request) => {
    return await viewTables(deps, deps.callerOf(request), request.params.service, request.params.table).then(
      ([view]) => view as TableView,
    )
  })

  const createSchema = { params: ByService, body: CreateTable, response: { 201: TableView } }
  app.post(API.tables, { schema: createSchema }, async (request, reply) => {
    const caller = deps.callerOf(request)
    await beginTable(deps, caller, request.params.service, request.body)
    const [view] = await viewTables(deps, caller, request.params.service, request.body.name)
    return reply.code(201).send(view as TableView)
  })

  app.delete(API.table, { schema: { params: ByTable } }, async (request, reply) => {
    await endTable(deps, deps.callerOf(request), request.params.service, request.params.table)
    return reply.code(204).send()
  })

  const permissionsSchema = { params: ByTable, body: SetPermissions, response: { 200: TableView } }
  app.put(API.permissions, { schema: permissionsSchema }, async (request) => {
    const caller = deps.callerOf(request)
    await changePermissions(deps, caller, request.params, request.body)
    const [view] = await viewTables(deps, caller, request.params.service, request.params.table)
    return view as TableView
  })

  const changed = { 200: TableChangeView }
  const addSchema = { params: ByColumn, body: AddColumn, response: changed }
  app.post(API.column, { schema: addSchema }, async (request) => {
    const { column } = request.params
    const change = { kind: 'add_column' as const, column, type: request.body.type }
    return await changeShape(deps, deps.callerOf(request), request.params, change)
  })
  for (const [method, url, kind] of SHAPE_ROUTES) {
    app.route({
      method,
      url,
      schema: { params: ByColumn, response: changed },
      handler: async (request) => {
        const change = { kind, column: request.params.column }
        return await changeShape(deps, deps.callerOf(request), request.params, change)
      },
    })
  }

  for (const [method, kind] of [
    ['PUT', 'soft_delete_on'],
    ['DELETE', 'soft_delete_off'],
  ] as const) {
    app.route({
      method,
      url: API.softDelete,
      schema: { params: ByTable, response: changed },
      handler: async (request) => await changeShape(deps, deps.callerOf(request), request.params, { kind }),
    })
  }

  const truncateSchema = { params: ByTable, body: Truncate, response: { 200: TruncateView } }
  app.post(API.truncate, { schema: truncateSchema }, async (request) => {
    return await truncateRows(deps, deps.callerOf(request), request.params, request.body.confirm)
  })

  const rowSchema = { params: ByTable, querystring: Type.Object({ id: Type.String({ minLength: 1, maxLength: 255 }) }) }
  app.post(
    API.data,
    { schema: { params: ByTable, body: InsertRows, response: { 200: InsertedRowsView } } },
    async (request) => {
      return await insertRows(deps, deps.callerOf(request), request.params, request.body)
    },
  )

  app.patch(API.data, { schema: { ...rowSchema, body: UpdateRow, response: { 200: RowView } } }, async (request) => {
    const names = { ...request.params, id: request.query.id }
    return await updateRow(deps, deps.callerOf(request), names, request.body)
  })

  app.delete(API.data, { schema: rowSchema }, async (request, reply) => {
    await deleteRow(deps, deps.callerOf(request), request.params, request.query.id)
    return reply.code(204).send()
  })

  app.get(API.data, { schema: { params: ByTable } }, async (request, reply) => {
    const query = request.url.includes('?') ? request.url.slice(request.url.indexOf('?')) : ''
    const { status, body } = await readRows(deps, deps.callerOf(request), request.params, query)
    return reply.code(status).send(body)
  })
}
