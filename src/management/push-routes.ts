// Push in the original's management protocol: credentials of platforms, and the notification hub, which is the service
// itself here.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import type { KnownCaller } from '../accounts/caller.ts'
import type { ApiDeps } from '../control/compose.ts'
import { changePush, setPushPermission, viewPush } from '../control/push-settings.ts'
import { withoutPlatform, withPlatform } from '../services/push-settings.ts'
import { getService } from '../services/services.ts'
import { etagOf, requireMatch } from './etag.ts'
import {
  apnsModeOf,
  certificateRetired,
  feedbackRetired,
  hubBody,
  type PushChange,
  pushBody,
  pushChanges,
} from './push-shapes.ts'

const ByService = Type.Object({ svc: Type.String({ maxLength: 100 }) })
const orNull = <Schema extends Parameters<typeof Type.Array>[0]>(schema: Schema) =>
  Type.Optional(Type.Union([schema, Type.Null()]))
const Text = Type.Optional(Type.String({ maxLength: 90_000 }))
const TextOrNull = orNull(Type.String({ maxLength: 90_000 }))
const PushSettings = Type.Object({
  wnsCredentials: orNull(Type.Object({ clientSecret: Text, packageSID: Text })),
  apnsCredentials: orNull(Type.Object({ endpoint: Text, apnsCertificate: Text, certificateKey: TextOrNull })),
  gcmCredentials: orNull(Type.Object({ apiKey: Text, endpoint: Text })),
  mpnsCredentials: orNull(
    Type.Object({
      enableUnauthenticatedSettings: Type.Optional(Type.Boolean()),
      mpnsCertificate: Text,
      certificateKey: TextOrNull,
    }),
  ),
})
const Hub = Type.Object({ enableExternalPushEntity: Type.Optional(Type.Boolean()) })
const Gcm = Type.Object({ apiKey: TextOrNull })

/** Credentials of platforms, together, and before 2014 one by one; the notification hub. */
export const pushRoutes: FastifyPluginAsyncTypebox<ApiDeps> = async (app, deps) => {
  const schema = { params: ByService }
  const change = async (caller: KnownCaller, svc: string, changes: PushChange[], headers = {}) => {
    await changePush(deps, caller, svc, {
      action: `mobile push ${changes.map(({ platform }) => platform).join(', ')}`,
      of: (settings, locked) => {
        requireMatch(headers, String(locked.push_settings))
        return changes.reduce(
          (after, { platform, set }) =>
            set === null ? withoutPlatform(after, platform) : withPlatform(after, platform, set),
          settings,
        )
      },
    })
  }

  app.get('/pushsettings', { schema }, async (request, reply) => {
    const caller = deps.callerOf(request)
    const service = await getService(deps.db, caller.subscriptionId, request.params.svc)
    reply.header('etag', etagOf(String(service.push_settings)))
    return pushBody(await viewPush(deps, caller, service.name))
  })

  app.patch('/pushsettings', { schema: { params: ByService, body: PushSettings } }, async (request) => {
    const caller = deps.callerOf(request)
    const { svc } = request.params
    await change(caller, svc, pushChanges(request.body), request.headers)
    return pushBody(await viewPush(deps, caller, svc))
  })

  app.get('/pushentity', { schema }, async (request) => {
    const service = await getService(deps.db, deps.callerOf(request).subscriptionId, request.params.svc)
    return hubBody(await viewPush(deps, deps.callerOf(request), service.name), service.name)
  })

  app.put('/pushentity', { schema: { params: ByService, body: Hub } }, async (request, reply) => {
    const caller = deps.callerOf(request)
    const { svc } = request.params
    const isWanted = request.body.enableExternalPushEntity === true
    const isOn = (await viewPush(deps, caller, svc)).permission !== 'admin'
    if (isWanted !== isOn)
      await setPushPermission(deps, caller, svc, { permission: isWanted ? 'application' : 'admin' })
    if (!isWanted) return { externalPushEntitySettingsPropertyBag: {} }
    const { name } = await getService(deps.db, caller.subscriptionId, svc)
    return reply.code(202).send(hubBody(await viewPush(deps, caller, svc), name))
  })

  app.get('/gcm/settings', { schema }, async (request) => {
    const { gcmCredentials } = pushBody(await viewPush(deps, deps.callerOf(request), request.params.svc))
    return 'apiKey' in gcmCredentials ? { apiKey: gcmCredentials.apiKey } : {}
  })

  app.put('/gcm/settings', { schema: { params: ByService, body: Gcm } }, async (request, reply) => {
    const { apiKey } = request.body
    const changes = pushChanges({ gcmCredentials: apiKey ? { apiKey } : {} })
    await change(deps.callerOf(request), request.params.svc, changes)
    return reply.code(200).send()
  })

  app.get('/apns/settings', { schema }, async (request) => {
    return { mode: apnsModeOf(await viewPush(deps, deps.callerOf(request), request.params.svc)) }
  })

  app.post('/apns/certificates', { schema }, async () => {
    throw certificateRetired()
  })

  for (const method of ['GET', 'PUT', 'DELETE'] as const) {
    app.route({
      method,
      url: '/apns/scripts/feedback',
      schema,
      handler: async () => {
        throw feedbackRetired()
      },
    })
  }
}
