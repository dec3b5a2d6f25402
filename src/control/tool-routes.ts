// The routes for how the original's own tools come in: publish settings, their certificates, and what they are to trust.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import {
  listCertificates,
  pinCertificate,
  protocolIdOf,
  revokeCertificate,
} from '../accounts/management-certificates.ts'
import { makeClientCertificate, publishSettingsText } from '../accounts/publish-settings.ts'
import {
  AuthorityView,
  CreatePublishSettings,
  ManagementCertificateView,
  PublishSettingsView,
  SubscriptionView,
} from '../contract/api.ts'
import { API } from '../contract/api-routes.ts'
import { Fault } from '../kit/fault.ts'
import { MANAGEMENT_CERTIFICATE_DAYS } from '../kit/limits.ts'
import type { ApiDeps } from './compose.ts'

const DAY_MS = 24 * 3_600_000
const config = { role: 'owner' } as const

/** Subscription and authority: for everybody. Publish settings and certificates: for owners. */
export const toolRoutes: FastifyPluginAsyncTypebox<ApiDeps> = async (app, deps) => {
  const { db, accounts, callerOf } = deps

  app.get(API.subscription, { schema: { response: { 200: SubscriptionView } } }, async (request) => {
    const { subscriptionId: name } = callerOf(request)
    return { id: await protocolIdOf(db, name), name, endpoint: deps.toolEndpoint()?.url ?? null }
  })

  app.get(API.authority, { schema: { response: { 200: AuthorityView } } }, async () => {
    return { certificate: deps.toolEndpoint()?.isSelfMade === true ? accounts.authorityCertificate : null }
  })

  const create = { schema: { body: CreatePublishSettings, response: { 201: PublishSettingsView } }, config }
  app.post(API.publishSettings, create, async (request, reply) => {
    const caller = callerOf(request)
    const endpoint = deps.toolEndpoint()
    if (endpoint === null) {
      throw new Fault('account.no_endpoint', 409, 'the management endpoint is off, so no tool could use this file', {
        hint: 'Start control with --management-port NUMBER.',
      })
    }
    const { role, days = MANAGEMENT_CERTIFICATE_DAYS } = request.body
    const name = request.body.name.trim()
    const expiresAt = new Date(Date.now() + days * DAY_MS)
    const { raw, pfx } = await makeClientCertificate(name, expiresAt)
    const view = await pinCertificate(db, caller, { name, role, raw, expiresAt })
    const subscription = { id: await protocolIdOf(db, caller.subscriptionId), name: caller.subscriptionId }
    const file = publishSettingsText({ subscription, endpoint: endpoint.url, pfx })
    return reply
      .code(201)
      .header('cache-control', 'no-store')
      .send({ ...view, file })
  })

  const list = { schema: { response: { 200: Type.Array(ManagementCertificateView) } }, config }
  app.get(API.toolCertificates, list, async (request) => {
    return await listCertificates(db, callerOf(request).subscriptionId)
  })

  const byId = Type.Object({ certificate: Type.String({ maxLength: 100 }) })
  const revoke = { schema: { params: byId, response: { 204: Type.Null() } }, config }
  app.delete(API.toolCertificate, revoke, async (request, reply) => {
    await revokeCertificate(db, callerOf(request), request.params.certificate)
    return reply.code(204).send(null)
  })
}
