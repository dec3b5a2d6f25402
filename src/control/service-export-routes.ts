// The management API's routes for a service as one file: its export, and its import.
import type { Readable } from 'node:stream'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { ImportView } from '../contract/api.ts'
import { API } from '../contract/api-routes.ts'
import { EXPORT_TYPE } from '../contract/service-export.ts'
import { Fault } from '../kit/fault.ts'
import type { ApiDeps } from './compose.ts'
import { exportService, importService } from './service-export.ts'

const ByService = Type.Object({ service: Type.String({ maxLength: 100 }) })

/** Exports of services: out as a stream, in as a stream. */
export const serviceExportRoutes: FastifyPluginAsyncTypebox<ApiDeps> = async (app, deps) => {
  app.addContentTypeParser(EXPORT_TYPE, (_request, payload, done) => done(null, payload))

  app.get(API.exportService, { schema: { params: ByService } }, async (request, reply) => {
    const packed = await exportService(deps, deps.callerOf(request), request.params.service)
    return reply.type(EXPORT_TYPE).send(packed)
  })

  const importSchema = { params: ByService, response: { 200: ImportView } }
  app.post(API.importService, { schema: importSchema }, async (request) => {
    if (request.headers['content-type'] !== EXPORT_TYPE) {
      throw new Fault('import.damaged', 400, `an export is sent as ${EXPORT_TYPE}`)
    }
    return await importService(deps, deps.callerOf(request), request.params.service, request.body as Readable)
  })
}
