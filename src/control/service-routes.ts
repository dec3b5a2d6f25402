// The management API's routes for services and recoveries.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import {
  ArchiveView,
  ChangeDatabase,
  CreateService,
  DryRunView,
  EndedAt,
  FailBack,
  KeyType,
  KeyView,
  OperationView,
  RecoverRequest,
  RecoveryPlanView,
  Reprotect,
  RestoreService,
  ScalePlanView,
  ScaleService,
  ServiceSettings,
  ServiceView,
  SetKey,
  SetSettings,
  SwitchService,
  VerifyService,
} from '../contract/api.ts'
import { API } from '../contract/api-routes.ts'
import { Fault } from '../kit/fault.ts'
import { beginChangeDatabase, planChangeDatabase } from '../recovery/change-claim.ts'
import { beginRecover } from '../recovery/recover-begin.ts'
import { beginSwitchService, planSwitchService } from '../recovery/switch-claim.ts'
import { beginVerifyService } from '../recovery/verify-service.ts'
import { beginFailBack, beginReprotect, planFailBack, planReprotect } from '../recovery/way-home.ts'
import { beginCreate, planCreate } from '../services/create-service.ts'
import { beginDelete, planDelete } from '../services/delete-service.ts'
import { beginDropArchived, planDropArchived } from '../services/drop-archived.ts'
import { beginRestore, listArchives, planRestore } from '../services/restore-service.ts'
import { beginScale } from '../services/scale-service.ts'
import { getService } from '../services/services.ts'
import {
  changeKey,
  changeSettings,
  planKey,
  planRestart,
  planSettings,
  restartService,
  settingsOf,
} from '../services/settings.ts'
import type { ApiDeps } from './compose.ts'
import { PLANNED_OR_BEGUN, planOrBegin } from './plan-or-begin.ts'
import { keyOf } from './request-key.ts'
import { viewFor, viewServices } from './views.ts'

const ByService = Type.Object({ service: Type.String({ maxLength: 100 }) })
const Flag = Type.Optional(Type.Boolean())

/** Services: list, show, create, delete, scale, recover, restore, keys and restarts. */
export const serviceRoutes: FastifyPluginAsyncTypebox<ApiDeps> = async (app, deps) => {
  app.get(API.services, { schema: { response: { 200: Type.Array(ServiceView) } } }, async (request) => {
    const { subscriptionId, role } = deps.callerOf(request)
    return (await viewServices(deps.views, subscriptionId)).map((one) => viewFor(role, one))
  })

  app.get(API.service, { schema: { params: ByService, response: { 200: ServiceView } } }, async (request) => {
    const { subscriptionId, role } = deps.callerOf(request)
    const service = await getService(deps.db, subscriptionId, request.params.service)
    const [view] = await viewServices(deps.views, subscriptionId, service)
    if (!view) throw new Fault('service.unknown', 404, `there is no mobile service '${request.params.service}'`)
    return viewFor(role, view)
  })

  app.post(API.services, { schema: { body: CreateService, response: PLANNED_OR_BEGUN } }, async (request, reply) => {
    return await planOrBegin(deps, request, reply, {
      isDryRun: request.body.isDryRun,
      plan: async (caller) => await planCreate(deps.services, caller, request.body),
      begin: async (caller, key) => await beginCreate(deps.services, caller, request.body, key),
    })
  })

  const deleteSchema = {
    params: ByService,
    querystring: Type.Object({
      deleteData: Type.Optional(Type.Boolean({ description: 'its data goes as well, after 30 days' })),
      now: Type.Optional(Type.Boolean({ description: 'with deleteData: it goes at once, and cannot be brought back' })),
      isDryRun: Flag,
    }),
    response: PLANNED_OR_BEGUN,
  }
  app.delete(API.service, { schema: deleteSchema }, async (request, reply) => {
    const { deleteData, now } = request.query
    const wanted = { name: request.params.service, isDataDropped: deleteData === true, isNow: now === true }
    return await planOrBegin(deps, request, reply, {
      isDryRun: request.query.isDryRun,
      plan: async (caller) => await planDelete(deps.services, caller, wanted),
      begin: async (caller, key) => await beginDelete(deps.services, caller, wanted, key),
    })
  })

  const recoverSchema = {
    params: ByService,
    body: RecoverRequest,
    response: { 200: RecoveryPlanView, 202: OperationView },
  }
  app.post(API.recover, { schema: recoverSchema }, async (request, reply) => {
    const caller = deps.callerOf(request)
    const key = keyOf(request.headers)
    const begun = await beginRecover(deps.recovery, caller, request.params.service, request.body, key)
    if (begun.operationId === null) return reply.code(200).send(begun.plan)
    return reply.code(202).send(await deps.started(caller, begun.operationId))
  })

  const switchSchema = { params: ByService, body: SwitchService, response: PLANNED_OR_BEGUN }
  app.post(API.switchService, { schema: switchSchema }, async (request, reply) => {
    const { service } = request.params
    return await planOrBegin(deps, request, reply, {
      isDryRun: request.body.isDryRun,
      plan: async (caller) => await planSwitchService(deps.recovery, caller, service, request.body),
      begin: async (caller, key) => await beginSwitchService(deps.recovery, caller, service, request.body, key),
    })
  })

  const reprotectSchema = { params: ByService, body: Reprotect, response: PLANNED_OR_BEGUN }
  app.post(API.reprotect, { schema: reprotectSchema }, async (request, reply) => {
    const { service } = request.params
    return await planOrBegin(deps, request, reply, {
      isDryRun: request.body.isDryRun,
      plan: async (caller) => await planReprotect(deps.recovery, caller, service, request.body),
      begin: async (caller, key) => await beginReprotect(deps.recovery, caller, service, request.body, key),
    })
  })

  const failBackSchema = { params: ByService, body: FailBack, response: PLANNED_OR_BEGUN }
  app.post(API.failBack, { schema: failBackSchema }, async (request, reply) => {
    const { service } = request.params
    return await planOrBegin(deps, request, reply, {
      isDryRun: request.body.isDryRun,
      plan: async (caller) => await planFailBack(deps.recovery, caller, service, request.body),
      begin: async (caller, key) => await beginFailBack(deps.recovery, caller, service, request.body, key),
    })
  })

  const changeSchema = { params: ByService, body: ChangeDatabase, response: PLANNED_OR_BEGUN }
  app.post(API.changeDatabase, { schema: changeSchema }, async (request, reply) => {
    const { service } = request.params
    return await planOrBegin(deps, request, reply, {
      isDryRun: request.body.isDryRun,
      plan: async (caller) => await planChangeDatabase(deps.recovery, caller, service, request.body),
      begin: async (caller, key) => await beginChangeDatabase(deps.recovery, caller, service, request.body, key),
    })
  })

  const scaleSchema = {
    params: ByService,
    body: ScaleService,
    response: { 200: ScalePlanView, 202: OperationView },
  }
  app.post(API.scale, { schema: scaleSchema }, async (request, reply) => {
    const caller = deps.callerOf(request)
    const key = keyOf(request.headers)
    const begun = await beginScale(deps.services, caller, request.params.service, request.body, key)
    if (begun.kind === 'planned') return reply.code(200).send(begun.plan)
    return reply.code(202).send(await deps.started(caller, begun.operationId))
  })

  const ByKey = Type.Object({ service: Type.String({ maxLength: 100 }), type: KeyType })
  const keySchema = { params: ByKey, body: SetKey, response: { 200: Type.Union([KeyView, DryRunView]) } }
  app.put(API.key, { schema: keySchema }, async (request) => {
    const { service, type } = request.params
    const { value, isDryRun } = request.body
    const work = isDryRun === true ? planKey : changeKey
    return await work(deps.services, deps.callerOf(request), service, { type, value })
  })

  app.get(API.settings, { schema: { params: ByService, response: { 200: ServiceSettings } } }, async (request) => {
    const { subscriptionId } = deps.callerOf(request)
    return settingsOf(await getService(deps.db, subscriptionId, request.params.service))
  })

  const settingsSchema = {
    params: ByService,
    body: SetSettings,
    response: { 200: Type.Union([ServiceSettings, DryRunView]) },
  }
  app.patch(API.settings, { schema: settingsSchema }, async (request) => {
    const { isDryRun, ...wanted } = request.body
    const work = isDryRun === true ? planSettings : changeSettings
    return await work(deps.services, deps.callerOf(request), request.params.service, wanted)
  })

  const restartSchema = {
    params: ByService,
    querystring: Type.Object({ isDryRun: Flag }),
    response: { 200: DryRunView, 204: Type.Null() },
  }
  app.post(API.restart, { schema: restartSchema }, async (request, reply) => {
    const caller = deps.callerOf(request)
    if (request.query.isDryRun === true) return await planRestart(deps.services, caller, request.params.service)
    await restartService(deps.services, caller, request.params.service)
    return reply.code(204).send(null)
  })

  const verifySchema = { params: ByService, body: VerifyService, response: { 202: OperationView } }
  app.post(API.verifyService, { schema: verifySchema }, async (request, reply) => {
    const caller = deps.callerOf(request)
    const id = await beginVerifyService(deps.recovery, caller, request.params.service, request.body)
    return reply.code(202).send(await deps.started(caller, id))
  })

  app.get(API.archives, { schema: { response: { 200: Type.Array(ArchiveView) } } }, async (request) => {
    return await listArchives(deps.db, deps.callerOf(request).subscriptionId)
  })

  const dropSchema = {
    params: ByService,
    querystring: Type.Object({ isDryRun: Flag, endedAt: Type.Optional(EndedAt) }),
    response: PLANNED_OR_BEGUN,
  }
  app.delete(API.archive, { schema: dropSchema }, async (request, reply) => {
    const wanted = { name: request.params.service, endedAt: request.query.endedAt }
    return await planOrBegin(deps, request, reply, {
      isDryRun: request.query.isDryRun,
      plan: async (caller) => await planDropArchived(deps.services, caller, wanted),
      begin: async (caller, key) => await beginDropArchived(deps.services, caller, wanted, key),
    })
  })

  const restoreSchema = { params: ByService, body: RestoreService, response: PLANNED_OR_BEGUN }
  app.post(API.restore, { schema: restoreSchema }, async (request, reply) => {
    const { service } = request.params
    return await planOrBegin(deps, request, reply, {
      isDryRun: request.body.isDryRun,
      plan: async (caller) => await planRestore(deps.services, caller, service, request.body),
      begin: async (caller, key) =>
        await beginRestore(deps.services, caller, request.params.service, request.body, key),
    })
  })
}
