// Preview features in the original's management protocol: what a service has for the asking.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import type { ApiDeps } from '../control/compose.ts'
import { enablePreview, viewPreviews } from '../control/source-control.ts'

const ByService = Type.Object({ svc: Type.String({ maxLength: 100 }) })
const Enable = Type.Object({ enable: Type.String({ minLength: 1, maxLength: 100 }) })
const SUMMARY = 'A git repository for the scripts of the service'

/** Preview features: list, enable. */
export const previewRoutes: FastifyPluginAsyncTypebox<ApiDeps> = async (app, deps) => {
  app.get('/previewfeatures', { schema: { params: ByService } }, async (request) => {
    const previews = await viewPreviews(deps, deps.callerOf(request), request.params.svc)
    const names = (isEnabled: boolean) => previews.filter((one) => one.isEnabled === isEnabled).map(({ name }) => name)
    return { enabled: names(true), available: names(false) }
  })

  app.post('/previewfeatures', { schema: { params: ByService, body: Enable } }, async (request) => {
    const names = { service: request.params.svc, preview: request.body.enable }
    const { name, url } = await enablePreview(deps, deps.callerOf(request), names)
    const details = `git clone ${url}; what is pushed to master or main runs.`
    return { featureName: name, summary: SUMMARY, details, data: { sourceRepositoryUrl: url } }
  })
}
