// The management API's routes for app settings.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { AppSettingView, SetAppSetting, StoredChangeView } from '../contract/api.ts'
import { API } from '../contract/api-routes.ts'
import { deleteAppSetting, setAppSetting, viewAppSettings } from './app-settings.ts'
import type { ApiDeps } from './compose.ts'

const Name = Type.String({ minLength: 1, maxLength: 128 })
const ByService = Type.Object({ service: Name })
const BySetting = Type.Object({ service: Name, setting: Name })
const stored = { 200: StoredChangeView }

/** App settings: list, set, delete. */
export const appSettingRoutes: FastifyPluginAsyncTypebox<ApiDeps> = async (app, deps) => {
  const settingsSchema = { params: ByService, response: { 200: Type.Array(AppSettingView) } }
  app.get(API.appSettings, { schema: settingsSchema }, async (request) => {
    return await viewAppSettings(deps, deps.callerOf(request), request.params.service)
  })

  app.put(
    API.appSetting,
    { schema: { params: BySetting, body: SetAppSetting, response: stored } },
    async (request) => await setAppSetting(deps, deps.callerOf(request), request.params, request.body),
  )

  app.delete(
    API.appSetting,
    { schema: { params: BySetting, response: stored } },
    async (request) => await deleteAppSetting(deps, deps.callerOf(request), request.params),
  )
}
