// The management API's routes for the authority that issues certificates by itself.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { AcmeView, OperationView, SetAcme } from '../contract/api.ts'
import { API } from '../contract/api-routes.ts'
import { issueForDomain, removeAcme, setAcme, viewAcme } from './acme.ts'
import type { ApiDeps } from './compose.ts'

const OWNER = { config: { role: 'owner' as const } }
const Name = Type.String({ minLength: 1, maxLength: 300 })

/** The authority: show, set, remove. A certificate of a domain: have it issued. */
export const acmeRoutes: FastifyPluginAsyncTypebox<ApiDeps> = async (app, deps) => {
  app.get(API.acme, { schema: { response: { 200: AcmeView } } }, async () => await viewAcme(deps))

  app.put(API.acme, { schema: { body: SetAcme, response: { 200: AcmeView } }, ...OWNER }, async (request) => {
    return await setAcme(deps, deps.callerOf(request), request.body)
  })

  app.delete(API.acme, { schema: { response: { 204: Type.Null() } }, ...OWNER }, async (request, reply) => {
    await removeAcme(deps, deps.callerOf(request))
    return reply.code(204).send(null)
  })

  const issued = { params: Type.Object({ service: Name, domain: Name }), response: { 202: OperationView } }
  app.post(API.domainIssue, { schema: issued }, async (request, reply) => {
    const caller = deps.callerOf(request)
    return reply.code(202).send(await deps.started(caller, await issueForDomain(deps, caller, request.params)))
  })
}
