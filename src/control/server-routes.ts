// The management API's routes for database servers.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { AttachServer, CreateServer, DryRunView, PromoteServer, ProtectServer, ServerView } from '../contract/api.ts'
import { API } from '../contract/api-routes.ts'
import { attachServer, detachServer, planAttachServer } from '../databases/attach-server.ts'
import { beginCreateServer, planCreateServer } from '../databases/create-server.ts'
import { beginDeleteServer, planDeleteServer } from '../databases/delete-server.ts'
import { beginProtectServer, planProtectServer } from '../databases/protect-server.ts'
import { getServer } from '../databases/servers.ts'
import { Fault } from '../kit/fault.ts'
import { beginPromoteServer, planPromoteServer } from '../recovery/promote-server.ts'
import { beginSwitchServer, planSwitchServer } from '../recovery/switch-server.ts'
import type { ApiDeps } from './compose.ts'
import { PLANNED_OR_BEGUN, planOrBegin } from './plan-or-begin.ts'
import { viewServers } from './server-view.ts'

const ByServer = Type.Object({ server: Type.String({ maxLength: 100 }) })
const Flag = Type.Optional(Type.Boolean())

/** Servers: list, show, create, delete, attach, detach, protect, promote, switch over. */
export const serverRoutes: FastifyPluginAsyncTypebox<ApiDeps> = async (app, deps) => {
  app.get(
    API.servers,
    { schema: { response: { 200: Type.Array(ServerView) } } },
    async () => await viewServers(deps.views),
  )

  app.get(API.server, { schema: { params: ByServer, response: { 200: ServerView } } }, async (request) => {
    return await viewOf(deps, request.params.server)
  })

  app.post(API.servers, { schema: { body: CreateServer, response: PLANNED_OR_BEGUN } }, async (request, reply) => {
    return await planOrBegin(deps, request, reply, {
      isDryRun: request.body.isDryRun,
      plan: async (caller) => await planCreateServer(deps.services, caller, request.body),
      begin: async (caller, key) => await beginCreateServer(deps.services, caller, request.body, key),
    })
  })

  const deleteSchema = {
    params: ByServer,
    querystring: Type.Object({ deleteData: Flag, isDryRun: Flag }),
    response: PLANNED_OR_BEGUN,
  }
  app.delete(API.server, { schema: deleteSchema }, async (request, reply) => {
    const wanted = { name: request.params.server, isDataDropped: request.query.deleteData === true }
    return await planOrBegin(deps, request, reply, {
      isDryRun: request.query.isDryRun,
      plan: async (caller) => await planDeleteServer(deps.services, caller, wanted),
      begin: async (caller, key) => await beginDeleteServer(deps.services, caller, wanted, key),
    })
  })

  const attachSchema = { body: AttachServer, response: { 200: DryRunView, 201: ServerView } }
  app.post(API.attachServer, { schema: attachSchema }, async (request, reply) => {
    if (request.body.isDryRun === true) return await planAttachServer(deps.services, request.body)
    await attachServer(deps.services, deps.callerOf(request), request.body)
    return reply.code(201).send(await viewOf(deps, request.body.name))
  })

  const detachSchema = {
    params: ByServer,
    querystring: Type.Object({ isDryRun: Flag }),
    response: { 200: DryRunView, 204: Type.Null() },
  }
  app.delete(API.detachServer, { schema: detachSchema }, async (request, reply) => {
    const wanted = { name: request.params.server, isDryRun: request.query.isDryRun === true }
    const changes = await detachServer(deps.services, deps.callerOf(request), wanted)
    return wanted.isDryRun ? { isDryRun: true as const, changes } : reply.code(204).send(null)
  })

  const protectSchema = { params: ByServer, body: ProtectServer, response: PLANNED_OR_BEGUN }
  app.post(API.protectServer, { schema: protectSchema }, async (request, reply) => {
    const { server } = request.params
    return await planOrBegin(deps, request, reply, {
      isDryRun: request.body.isDryRun,
      plan: async (caller) => await planProtectServer(deps.services, caller, server, request.body),
      begin: async (caller, key) => await beginProtectServer(deps.services, caller, server, request.body, key),
    })
  })

  const promoteSchema = { params: ByServer, body: PromoteServer, response: PLANNED_OR_BEGUN }
  app.post(API.promoteServer, { schema: promoteSchema }, async (request, reply) => {
    const { server } = request.params
    return await planOrBegin(deps, request, reply, {
      isDryRun: request.body.isDryRun,
      plan: async (caller) => await planPromoteServer(deps.recovery, caller, server, request.body),
      begin: async (caller, key) => await beginPromoteServer(deps.recovery, caller, server, request.body, key),
    })
  })

  const switchSchema = { params: ByServer, querystring: Type.Object({ isDryRun: Flag }), response: PLANNED_OR_BEGUN }
  app.post(API.switchServer, { schema: switchSchema }, async (request, reply) => {
    const { server } = request.params
    return await planOrBegin(deps, request, reply, {
      isDryRun: request.query.isDryRun,
      plan: async (caller) => await planSwitchServer(deps.recovery, caller, server),
      begin: async (caller, key) => await beginSwitchServer(deps.recovery, caller, server, key),
    })
  })
}

async function viewOf({ db, views }: ApiDeps, wanted: string): Promise<ServerView> {
  const { name } = await getServer(db, wanted)
  const view = (await viewServers(views)).find((server) => server.name === name)
  if (view) return view
  throw new Fault('server.unknown', 404, `there is no server '${name}' any more`)
}
