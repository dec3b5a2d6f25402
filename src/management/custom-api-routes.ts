// Custom APIs in the original's management protocol. Their scripts are with the other scripts.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { type CustomApiView, PermissionLevelView } from '../contract/api.ts'
import { API_METHODS, type ApiPermissions } from '../contract/permissions.ts'
import type { ApiDeps } from '../control/compose.ts'
import { createApi, deleteApi, updateApi, viewApis } from '../control/custom-apis.ts'
import { selfLink } from './self-link.ts'

const Name = Type.String({ minLength: 1, maxLength: 100 })
const ByService = Type.Object({ svc: Name })
const ByApi = Type.Object({ svc: Name, api: Name })
const Level = Type.Optional(PermissionLevelView)
const Permissions = Type.Object({ get: Level, put: Level, post: Level, patch: Level, delete: Level })
const NewApi = Type.Intersect([Permissions, Type.Object({ name: Name })])

/** Custom APIs: list, show, create, update, delete. */
export const customApiRoutes: FastifyPluginAsyncTypebox<ApiDeps> = async (app, deps) => {
  const entryOf = (
    request: FastifyRequest,
    { name, permissions, hasAdditionalPermissions = false }: CustomApiView,
  ) => ({
    name,
    ...permissions,
    hasAdditionalPermissions,
    selflink: selfLink(deps, request, 'apis', name),
  })
  const find = async (request: FastifyRequest, { svc, api }: { svc: string; api: string }) => {
    const [view] = await viewApis(deps, deps.callerOf(request), svc, api)
    return entryOf(request, view as CustomApiView)
  }

  app.get('/apis', { schema: { params: ByService } }, async (request) => {
    const views = await viewApis(deps, deps.callerOf(request), request.params.svc)
    return views.map((view) => entryOf(request, view))
  })

  app.post('/apis', { schema: { params: ByService, body: NewApi } }, async (request, reply) => {
    const { svc } = request.params
    const { name } = request.body
    await createApi(deps, deps.callerOf(request), svc, { name, permissions: permissionsIn(request.body) })
    return reply.code(201).send(await find(request, { svc, api: name }))
  })

  app.get('/apis/:api', { schema: { params: ByApi } }, async (request) => await find(request, request.params))

  app.put('/apis/:api', { schema: { params: ByApi, body: Permissions } }, async (request) => {
    const { svc, api } = request.params
    // Where routes have permissions of their own, clients send this only when they were told to give those up.
    const wanted = { ...permissionsIn(request.body), force: true }
    await updateApi(deps, deps.callerOf(request), { service: svc, api }, wanted)
    return await find(request, request.params)
  })

  app.delete('/apis/:api', { schema: { params: ByApi } }, async (request, reply) => {
    const { svc, api } = request.params
    await deleteApi(deps, deps.callerOf(request), { service: svc, api })
    return reply.code(204).send()
  })
}

// Clients send back what they got, with more than permissions in it.
function permissionsIn(body: Partial<ApiPermissions>): Partial<ApiPermissions> {
  return Object.fromEntries(API_METHODS.flatMap((method) => (body[method] ? [[method, body[method]]] : [])))
}
