// The management API's routes for scripts. A name has a slash in it, so it is one encoded segment: table%2FTodoItem.insert.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import {
  NpmModulesView,
  RunningScriptsView,
  ScriptTextView,
  ScriptVersionView,
  ScriptView,
  ScriptWrittenView,
  UploadScript,
} from '../contract/api.ts'
import { API } from '../contract/api-routes.ts'
import { listVersions, parseScriptName, readScript, viewScripts } from '../services/scripts.ts'
import { getService } from '../services/services.ts'
import type { ApiDeps } from './compose.ts'
import { viewModules } from './npm-modules.ts'
import { deleteScript, uploadScript, viewRunning } from './scripts.ts'

const ByService = Type.Object({ service: Type.String({ maxLength: 100 }) })
const ByScript = Type.Object({ service: Type.String({ maxLength: 100 }), script: Type.String({ maxLength: 200 }) })
const VERSION_MAX = 1_000_000_000

/** Scripts: list, read, write, delete, versions, and what runs. */
export const scriptRoutes: FastifyPluginAsyncTypebox<ApiDeps> = async (app, deps) => {
  const listSchema = { params: ByService, response: { 200: Type.Array(ScriptView) } }
  app.get(API.scripts, { schema: listSchema }, async (request) => {
    const service = await getService(deps.db, deps.callerOf(request).subscriptionId, request.params.service)
    return await viewScripts(deps.db, service.id)
  })

  const runningSchema = { params: ByService, response: { 200: RunningScriptsView } }
  app.get(API.runningScripts, { schema: runningSchema }, async (request) => {
    return await viewRunning(deps, deps.callerOf(request), request.params.service)
  })

  const modulesSchema = { params: ByService, response: { 200: NpmModulesView } }
  app.get(API.npmModules, { schema: modulesSchema }, async (request) => {
    return await viewModules(deps, deps.callerOf(request), request.params.service)
  })

  const readSchema = {
    params: ByScript,
    querystring: Type.Object({ version: Type.Optional(Type.Integer({ minimum: 1, maximum: VERSION_MAX })) }),
    response: { 200: ScriptTextView },
  }
  app.get(API.script, { schema: readSchema }, async (request) => {
    const service = await getService(deps.db, deps.callerOf(request).subscriptionId, request.params.service)
    return await readScript(deps.db, service, parseScriptName(request.params.script).name, request.query.version)
  })

  const versionsSchema = { params: ByScript, response: { 200: Type.Array(ScriptVersionView) } }
  app.get(API.scriptVersions, { schema: versionsSchema }, async (request) => {
    const service = await getService(deps.db, deps.callerOf(request).subscriptionId, request.params.service)
    return await listVersions(deps.db, service.id, parseScriptName(request.params.script).name)
  })

  const writeSchema = { params: ByScript, body: UploadScript, response: { 200: ScriptWrittenView } }
  app.put(API.script, { schema: writeSchema }, async (request) => {
    return await uploadScript(deps, deps.callerOf(request), request.params, request.body)
  })

  const deleteSchema = { params: ByScript, response: { 200: ScriptWrittenView } }
  app.delete(API.script, { schema: deleteSchema }, async (request) => {
    return await deleteScript(deps, deps.callerOf(request), request.params)
  })
}
