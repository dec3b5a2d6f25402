// Scripts in the original's management protocol: of tables, shared ones, of jobs and of custom APIs. Each is a text by
// itself, with a tag.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { ApiDeps } from '../control/compose.ts'
import { deleteScript, uploadScript } from '../control/scripts.ts'
import { Fault } from '../kit/fault.ts'
import { parseScriptName, readScript, viewScripts } from '../services/scripts.ts'
import { getService } from '../services/services.ts'
import { etagOf, requireMatch } from './etag.ts'
import { isOlderDialect, serviceNameOf } from './protocol.ts'
import { mimeOf, sharedEntry } from './script-shapes.ts'
import { selfLink } from './self-link.ts'

const Name = Type.String({ minLength: 1, maxLength: 100 })
const ByService = Type.Object({ svc: Name })
const ByOperation = Type.Object({ svc: Name, table: Name, operation: Name })
const ByName = Type.Object({ svc: Name, name: Name })
const SHARED = '/repository/service/shared'

/** Scripts: read, write, delete; those that are shared: list. */
export const scriptRoutes: FastifyPluginAsyncTypebox<ApiDeps> = async (app, deps) => {
  const read = async (request: FastifyRequest, reply: FastifyReply, name: string) => {
    const service = await getService(deps.db, deps.callerOf(request).subscriptionId, serviceNameOf(request))
    const found = await readScript(deps.db, service, parseScriptName(name).name)
    return reply
      .header('etag', etagOf(found.hash))
      .type(`${mimeOf(found.name)}; charset=utf-8`)
      .send(found.text)
  }
  // What was read may be named (If-Match): a moment later it may be another, and none is lost: versions are kept.
  const requireSeen = async (request: FastifyRequest, name: string) => {
    if (request.headers['if-match'] === undefined) return
    const service = await getService(deps.db, deps.callerOf(request).subscriptionId, serviceNameOf(request))
    const wanted = parseScriptName(name).name.toLowerCase()
    const found = (await viewScripts(deps.db, service.id)).find((one) => one.name.toLowerCase() === wanted)
    requireMatch(request.headers, found?.hash ?? null)
  }
  const write = async (request: FastifyRequest, reply: FastifyReply, name: string) => {
    await requireSeen(request, name)
    const names = { service: serviceNameOf(request), script: name }
    await uploadScript(deps, deps.callerOf(request), names, { text: textOf(request.body) })
    const service = await getService(deps.db, deps.callerOf(request).subscriptionId, names.service)
    const { hash } = await readScript(deps.db, service, parseScriptName(name).name)
    reply.header('etag', etagOf(hash))
  }
  const remove = async (request: FastifyRequest, name: string) => {
    await requireSeen(request, name)
    await deleteScript(deps, deps.callerOf(request), { service: serviceNameOf(request), script: name })
  }

  const code = '/tables/:table/scripts/:operation/code'
  app.get(code, { schema: { params: ByOperation } }, async (request, reply) => {
    return await read(request, reply, tableScript(request.params))
  })
  app.put(code, { schema: { params: ByOperation } }, async (request, reply) => {
    await write(request, reply, tableScript(request.params))
    return reply.code(isOlderDialect(request) ? 200 : 201).send()
  })
  app.delete('/tables/:table/scripts/:operation', { schema: { params: ByOperation } }, async (request, reply) => {
    await remove(request, tableScript(request.params))
    return reply.code(isOlderDialect(request) ? 204 : 200).send()
  })

  const listShared = async (request: FastifyRequest) => {
    const service = await getService(deps.db, deps.callerOf(request).subscriptionId, serviceNameOf(request))
    return (await viewScripts(deps.db, service.id)).filter(({ name }) => name.startsWith('shared/'))
  }
  app.get(SHARED, { schema: { params: ByService } }, async (request) => {
    const href = selfLink(deps, request, 'repository', 'service', 'shared')
    return (await listShared(request)).map((script) => sharedEntry(script, href))
  })
  app.get(`${SHARED}/*`, { schema: { params: ByService } }, async (request, reply) => {
    return await read(request, reply, sharedScript(request))
  })
  app.put(`${SHARED}/*`, { schema: { params: ByService } }, async (request, reply) => {
    const { name } = parseScriptName(sharedScript(request))
    // One of that name in another case is the same.
    const known = (await listShared(request)).find((one) => one.name.toLowerCase() === name.toLowerCase())
    await write(request, reply, known?.name ?? name)
    return reply.code(known === undefined ? 201 : 204).send()
  })
  app.delete(`${SHARED}/*`, { schema: { params: ByService } }, async (request, reply) => {
    await remove(request, sharedScript(request))
    return reply.code(200).send()
  })

  for (const [path, kind] of [
    ['/scheduler/jobs/:name/script', 'scheduler'],
    ['/apis/:name/script', 'api'],
  ] as const) {
    app.get(path, { schema: { params: ByName } }, async (request, reply) => {
      return await read(request, reply, `${kind}/${request.params.name}`)
    })
    app.put(path, { schema: { params: ByName } }, async (request, reply) => {
      await write(request, reply, `${kind}/${request.params.name}`)
      return reply.code(isOlderDialect(request) ? 200 : 204).send()
    })
  }
}

function tableScript({ table, operation }: { table: string; operation: string }): string {
  return `table/${table}.${operation}`
}

// Folders may be in it: what is left of the path. A schema cannot name it.
function sharedScript({ params }: FastifyRequest): string {
  return `shared/${(params as { '*': string })['*']}`
}

function textOf(body: unknown): string {
  if (body === undefined || body === null) return ''
  if (typeof body === 'string') return body
  throw new Fault('http.bad_request', 400, 'a script is sent as text', { hint: 'Say content-type: text/plain.' })
}
