// The management API's routes for the providers through which a service's users sign in.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { AuthProviderView, SetAuthProvider, StoredChangeView } from '../contract/api.ts'
import { API } from '../contract/api-routes.ts'
import { deleteAuthProvider, setAuthProvider, viewAuthProviders } from './auth-providers.ts'
import type { ApiDeps } from './compose.ts'

const Name = Type.String({ minLength: 1, maxLength: 128 })
const ByService = Type.Object({ service: Name })
const ByProvider = Type.Object({ service: Name, provider: Name })
const stored = { 200: StoredChangeView }

/** Providers: list, set, delete. */
export const authProviderRoutes: FastifyPluginAsyncTypebox<ApiDeps> = async (app, deps) => {
  const listSchema = { params: ByService, response: { 200: Type.Array(AuthProviderView) } }
  app.get(API.authProviders, { schema: listSchema }, async (request) => {
    return await viewAuthProviders(deps, deps.callerOf(request), request.params.service)
  })

  app.put(
    API.authProvider,
    { schema: { params: ByProvider, body: SetAuthProvider, response: stored } },
    async (request) => await setAuthProvider(deps, deps.callerOf(request), request.params, request.body),
  )

  app.delete(
    API.authProvider,
    { schema: { params: ByProvider, response: stored } },
    async (request) => await deleteAuthProvider(deps, deps.callerOf(request), request.params),
  )
}
