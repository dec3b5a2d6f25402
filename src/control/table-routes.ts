// The management API's routes for tables and their rows.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { API, CreateTable, TableView } from '../contract/api.ts'
import type { ApiDeps } from './compose.ts'
import { beginTable, endTable, readRows, viewTables } from './tables.ts'

const ByService = Type.Object({ service: Type.String({ maxLength: 100 }) })
const ByTable = Type.Object({ service: Type.String({ maxLength: 100 }), table: Type.String({ maxLength: 100 }) })

/** Tables: list, show, create, delete; data: read. */
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

  app.get(API.data, { schema: { params: ByTable } }, async (request, reply) => {
    const query = request.url.includes('?') ? request.url.slice(request.url.indexOf('?')) : ''
    const { status, body } = await readRows(deps, deps.callerOf(request), request.params, query)
    return reply.code(status).send(body)
  })
}
