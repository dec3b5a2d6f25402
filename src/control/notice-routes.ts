// The management API's routes for notices: whom incidents are told to.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { NewNoticeTarget, NoticeTargetMade, NoticeTargetView } from '../contract/api.ts'
import { API } from '../contract/api-routes.ts'
import { addTarget, addTestNotice, listTargets, removeTarget } from '../health/notices.ts'
import { requireAllowedHost } from '../kit/egress-agent.ts'
import { Fault } from '../kit/fault.ts'
import type { ApiDeps } from './compose.ts'

const ByTarget = Type.Object({ target: Type.String({ maxLength: 100 }) })
const ADDRESS = /^[^\s@<>,;:"]+@[^\s@<>,;:"]+$/

/** Targets: list, add, remove, try. */
export const noticeRoutes: FastifyPluginAsyncTypebox<ApiDeps> = async (app, deps) => {
  app.get(API.noticeTargets, { schema: { response: { 200: Type.Array(NoticeTargetView) } } }, async (request) => {
    return await listTargets(deps.db, deps.callerOf(request).subscriptionId)
  })

  const addSchema = { body: NewNoticeTarget, response: { 201: NoticeTargetMade } }
  app.post(API.noticeTargets, { schema: addSchema }, async (request, reply) => {
    requireUsable(deps, request.body)
    const made = await addTarget(deps.db, deps.services.seal, deps.callerOf(request), request.body)
    return reply.code(201).send(made)
  })

  const bySchema = { params: ByTarget, response: { 204: Type.Null() } }
  app.delete(API.noticeTarget, { schema: bySchema }, async (request, reply) => {
    await removeTarget(deps.db, deps.callerOf(request), request.params.target)
    return reply.code(204).send(null)
  })

  app.post(API.tryNotice, { schema: bySchema }, async (request, reply) => {
    await addTestNotice(deps.db, deps.callerOf(request), request.params.target)
    return reply.code(204).send(null)
  })
}

function requireUsable({ notices }: ApiDeps, { kind, target }: NewNoticeTarget): void {
  if (kind === 'email') {
    if (!ADDRESS.test(target)) {
      throw new Fault('notice.bad_target', 400, `'${target}' is no address`, { hint: 'Write it as ops@example.com.' })
    }
    if (notices.smtp !== null) return
    throw new Fault('notice.no_smtp', 409, 'this control was given no mail server', {
      hint: 'Start control with MAINSTAY_SMTP_URL=smtps://USER:PASSWORD@HOST and MAINSTAY_SMTP_FROM=ADDRESS.',
    })
  }
  const url = URL.canParse(target) ? new URL(target) : null
  if (!url || !/^https?:$/.test(url.protocol) || url.username !== '') {
    throw new Fault('notice.bad_target', 400, 'a webhook is a URL that begins with https:// or http://', {
      hint: 'Write it whole: --webhook https://example.com/hooks/mainstay',
    })
  }
  requireAllowedHost(notices.policy, url)
}
