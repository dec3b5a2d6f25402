// Preview features in the original's management protocol.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import type { ApiDeps } from '../control/compose.ts'
import { getService } from '../services/services.ts'
import { getPreviewFeature, listPreviewFeatures } from './preview-features.ts'

const ByService = Type.Object({ svc: Type.String({ maxLength: 100 }) })
const Enable = Type.Object({ enable: Type.String({ minLength: 1, maxLength: 100 }) })

/** Preview features: list, enable. */
export const previewRoutes: FastifyPluginAsyncTypebox<ApiDeps> = async (app, deps) => {
  app.get('/previewfeatures', { schema: { params: ByService } }, async (request) => {
    const service = await getService(deps.db, deps.callerOf(request).subscriptionId, request.params.svc)
    return await listPreviewFeatures(deps, service)
  })

  app.post('/previewfeatures', { schema: { params: ByService, body: Enable } }, async (request) => {
    const caller = deps.callerOf(request)
    const service = await getService(deps.db, caller.subscriptionId, request.params.svc)
    const feature = getPreviewFeature(request.body.enable)
    const data = await feature.enable(deps, caller, service)
    return { featureName: feature.name, summary: feature.summary, details: feature.details, data }
  })
}
