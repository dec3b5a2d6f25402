// The management API's routes for push notifications.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { PushSendView, PushView, SetPushPermission, SetPushPlatform, StoredChangeView } from '../contract/api.ts'
import { API } from '../contract/api-routes.ts'
import { PUSH_SENDS_SHOWN_MAX } from '../kit/limits.ts'
import type { ApiDeps } from './compose.ts'
import { deletePushPlatform, setPushPermission, setPushPlatform, viewPush, viewPushSends } from './push-settings.ts'

const TOP_USUAL = 10
const Name = Type.String({ minLength: 1, maxLength: 100 })
const ByService = Type.Object({ service: Name })
const ByPlatform = Type.Object({ service: Name, platform: Name })
const stored = { 200: StoredChangeView }

/** Push: how it stands, credentials of platforms, who may register, how messages went. */
export const pushRoutes: FastifyPluginAsyncTypebox<ApiDeps> = async (app, deps) => {
  app.get(API.push, { schema: { params: ByService, response: { 200: PushView } } }, async (request) => {
    return await viewPush(deps, deps.callerOf(request), request.params.service)
  })

  app.put(
    API.pushPermission,
    { schema: { params: ByService, body: SetPushPermission, response: stored } },
    async (request) => await setPushPermission(deps, deps.callerOf(request), request.params.service, request.body),
  )

  app.put(
    API.pushPlatform,
    { schema: { params: ByPlatform, body: SetPushPlatform, response: stored } },
    async (request) => await setPushPlatform(deps, deps.callerOf(request), request.params, request.body),
  )

  app.delete(
    API.pushPlatform,
    { schema: { params: ByPlatform, response: stored } },
    async (request) => await deletePushPlatform(deps, deps.callerOf(request), request.params),
  )

  const sendsSchema = {
    params: ByService,
    querystring: Type.Object({ top: Type.Optional(Type.Integer({ minimum: 1, maximum: PUSH_SENDS_SHOWN_MAX })) }),
    response: { 200: Type.Array(PushSendView) },
  }
  app.get(API.pushSends, { schema: sendsSchema }, async (request) => {
    const { top = TOP_USUAL } = request.query
    return await viewPushSends(deps, deps.callerOf(request), request.params.service, top)
  })
}
