// Settings of a service and its sign-in providers in the original's management protocol: read whole, sent back whole. What
// was read has a tag; who sends that along (If-Match) overwrites nobody.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { ORIGIN_HOST, ORIGINS_MAX, type ServiceSettings } from '../contract/api.ts'
import { replaceAppSettings, viewAppSettings, writeReplaced } from '../control/app-settings.ts'
import { replaceAuthProviders, viewAuthProviders } from '../control/auth-providers.ts'
import type { ApiDeps } from '../control/compose.ts'
import { viewPreviews } from '../control/source-control.ts'
import type { AppSettings } from '../services/app-settings.ts'
import { getService, type Service } from '../services/services.ts'
import { changeSettings, settingsOf } from '../services/settings.ts'
import { etagOf, requireMatch } from './etag.ts'
import { isOlderDialect } from './protocol.ts'
import {
  changedSettings,
  liveBody,
  providersBody,
  replacedAppSettings,
  replacedLive,
  replacedProviders,
  settingsBody,
} from './setting-shapes.ts'

const ByService = Type.Object({ svc: Type.String({ maxLength: 100 }) })
const orNull = <Schema extends Parameters<typeof Type.Array>[0]>(schema: Schema) =>
  Type.Optional(Type.Union([schema, Type.Null()]))
const Text = (maxLength: number) => Type.String({ maxLength })
const Hosts = Type.Array(Type.Object({ host: Type.String({ pattern: ORIGIN_HOST, maxLength: 253 }) }), {
  maxItems: ORIGINS_MAX,
})
const AppSettingList = Type.Array(Type.Object({ name: Text(200), value: Type.String() }), { maxItems: 1_000 })
// What is not known of the rest comes back as it was sent out.
const Settings = Type.Object({
  dynamicSchemaEnabled: Type.Optional(Type.Boolean()),
  crossDomainWhitelist: orNull(Hosts),
  customApplicationSettings: orNull(AppSettingList),
})
const Providers = Type.Array(
  Type.Object({
    provider: Type.String({ minLength: 1, maxLength: 100 }),
    appId: orNull(Text(2_048)),
    secret: orNull(Text(2_048)),
    packageSid: orNull(Text(255)),
    tenants: orNull(Type.Array(Text(255), { maxItems: 50 })),
  }),
  { maxItems: 50 },
)
const Live = Type.Object({
  clientID: orNull(Text(2_048)),
  clientSecret: orNull(Text(2_048)),
  packageSid: orNull(Text(255)),
})

/** Settings with the app settings, and providers; before 2014 that of Microsoft by itself. */
export const settingRoutes: FastifyPluginAsyncTypebox<ApiDeps> = async (app, deps) => {
  app.get('/settings', { schema: { params: ByService } }, async (request, reply) => {
    const caller = deps.callerOf(request)
    const service = await getService(deps.db, caller.subscriptionId, request.params.svc)
    reply.header('etag', etagOf(stateOf(service)))
    const appSettings = await viewAppSettings(deps, caller, service.name)
    const previews = await viewPreviews(deps, caller, service.name)
    const previewFeatures = previews.filter(({ isEnabled }) => isEnabled).map(({ name }) => name)
    return settingsBody(caller, { settings: settingsOf(service), appSettings, previewFeatures })
  })

  app.patch('/settings', { schema: { params: ByService, body: Settings } }, async (request, reply) => {
    const { svc } = request.params
    const { headers, body } = request
    const caller = deps.callerOf(request)
    const service = await getService(deps.db, caller.subscriptionId, svc)
    const wanted: Partial<ServiceSettings> = changedSettings(body, settingsOf(service))
    const replace = (before: AppSettings) => replacedAppSettings(body.customApplicationSettings ?? null, before)
    // Both in one transaction, or neither.
    if (Object.keys(wanted).length > 0) {
      await changeSettings(deps.services, caller, svc, wanted, async (trx, locked) => {
        requireMatch(headers, stateOf(locked))
        await writeReplaced(deps, trx, { caller, locked }, replace)
      })
      return reply.code(200).send()
    }
    await replaceAppSettings(deps, caller, svc, (before, locked) => {
      requireMatch(headers, stateOf(locked))
      return replace(before)
    })
    return reply.code(200).send()
  })

  const authSchema = { params: ByService }
  app.get('/authsettings', { schema: authSchema }, async (request, reply) => {
    const caller = deps.callerOf(request)
    const { name, auth_providers: state } = await getService(deps.db, caller.subscriptionId, request.params.svc)
    reply.header('etag', etagOf(String(state)))
    return providersBody(caller, await viewAuthProviders(deps, caller, name), isOlderDialect(request))
  })

  app.put('/authsettings', { schema: { params: ByService, body: Providers } }, async (request, reply) => {
    const isOlder = isOlderDialect(request)
    await replaceAuthProviders(deps, deps.callerOf(request), request.params.svc, (before, locked) => {
      requireMatch(request.headers, String(locked.auth_providers))
      return replacedProviders(request.body, before, isOlder)
    })
    return reply.code(200).send()
  })

  app.get('/livesettings', { schema: authSchema }, async (request) => {
    const caller = deps.callerOf(request)
    return liveBody(caller, await viewAuthProviders(deps, caller, request.params.svc))
  })

  app.put('/livesettings', { schema: { params: ByService, body: Live } }, async (request, reply) => {
    await replaceAuthProviders(deps, deps.callerOf(request), request.params.svc, (before) =>
      replacedLive(request.body, before),
    )
    return reply.code(200).send()
  })
}

// What settings are made of, as it lies in its row: secrets sealed.
function stateOf({ is_schema_dynamic: isDynamic, cors_origins: origins, app_settings: sealed }: Service): unknown {
  return [isDynamic, origins, sealed]
}
