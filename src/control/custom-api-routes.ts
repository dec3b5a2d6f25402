// The management API's routes for custom APIs.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { CreateCustomApi, CustomApiView, SetApiPermissions, StoredChangeView } from '../contract/api.ts'
import { API } from '../contract/api-routes.ts'
import type { ApiDeps } from './compose.ts'
import { createApi, deleteApi, updateApi, viewApis } from './custom-apis.ts'

const Name = Type.String({ minLength: 1, maxLength: 128 })
const ByService = Type.Object({ service: Name })
const ByApi = Type.Object({ service: Name, api: Name })
const stored = { 200: StoredChangeView }

/** Custom APIs: list, show, create, update, delete. */
export const customApiRoutes: FastifyPluginAsyncTypebox<ApiDeps> = async (app, deps) => {
  const listSchema = { params: ByService, response: { 200: Type.Array(CustomApiView) } }
  app.get(API.customApis, { schema: listSchema }, async (request) => {
    return await viewApis(deps, deps.callerOf(request), request.params.service)
  })

  app.get(API.customApi, { schema: { params: ByApi, response: { 200: CustomApiView } } }, async (request) => {
    const [view] = await viewApis(deps, deps.callerOf(request), request.params.service, request.params.api)
    return view as CustomApiView
  })

  const createSchema = { params: ByService, body: CreateCustomApi, response: { 201: StoredChangeView } }
  app.post(API.customApis, { schema: createSchema }, async (request, reply) => {
    const made = await createApi(deps, deps.callerOf(request), request.params.service, request.body)
    return reply.code(201).send(made)
  })

  app.put(
    API.customApi,
    { schema: { params: ByApi, body: SetApiPermissions, response: stored } },
    async (request) => await updateApi(deps, deps.callerOf(request), request.params, request.body),
  )

  app.delete(
    API.customApi,
    { schema: { params: ByApi, response: stored } },
    async (request) => await deleteApi(deps, deps.callerOf(request), request.params),
  )
}
