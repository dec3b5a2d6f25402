// The routes of the Service Dashboard: the public ones, and those by which operators write on it.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { audit } from '../accounts/audit.ts'
import { DashboardSettings, NewStatusPost, StatusPostView } from '../contract/api.ts'
import { API } from '../contract/api-routes.ts'
import { STATUS_PATHS } from '../contract/status-page.ts'
import { addPost, listPosts, removePost } from '../health/status-posts.ts'
import { Fault } from '../kit/fault.ts'
import { answerStatus } from '../status/answer.ts'
import type { ApiDeps } from './compose.ts'
import type { ServiceDashboard } from './service-dashboard.ts'

/** Adds what anybody may read, without a token. */
export function addPublicDashboard(app: FastifyInstance, dashboard: ServiceDashboard): void {
  for (const path of Object.values(STATUS_PATHS)) {
    app.get(path, async (request, reply) => {
      const found = await dashboard.read()
      const shown = {
        ...{ ageMs: found?.ageMs ?? 0, isControlSilent: found?.isFresh === false, silentRegions: [] },
        baseUrl: `${request.protocol}://${request.host}`,
      }
      const { status, headers, body } = answerStatus(path, found?.copy.page ?? null, shown)
      return reply.code(status).headers(headers).send(body)
    })
  }
}

/** Posts: list, write, take away. Settings: see, change. */
export const dashboardRoutes: FastifyPluginAsyncTypebox<ApiDeps> = async (app, deps) => {
  app.get(API.statusPosts, { schema: { response: { 200: Type.Array(StatusPostView) } } }, async () => {
    return await listPosts(deps.db, new Date())
  })

  app.post(
    API.statusPosts,
    { schema: { body: NewStatusPost, response: { 201: StatusPostView } } },
    async (request, reply) => {
      const { title, text, window = null } = request.body
      const id = await addPost(deps.db, deps.callerOf(request), { title, text, window })
      const view = (await listPosts(deps.db, new Date())).find((post) => post.id === id)
      if (!view) throw new Fault('status.no_post', 404, `the post ${id} was taken away again`)
      return reply.code(201).send(view)
    },
  )

  const byPost = { params: Type.Object({ post: Type.String({ maxLength: 100 }) }), response: { 204: Type.Null() } }
  app.delete(API.statusPost, { schema: byPost }, async (request, reply) => {
    await removePost(deps.db, deps.callerOf(request), request.params.post)
    return reply.code(204).send(null)
  })

  app.get(API.dashboard, { schema: { response: { 200: DashboardSettings } } }, async () => await readSettings(deps))

  const change = { body: DashboardSettings, response: { 200: DashboardSettings } }
  app.patch(API.dashboard, { schema: change }, async (request) => {
    const before = await readSettings(deps)
    const after = request.body
    await deps.db.transaction().execute(async (trx) => {
      const row = { shows_names: after.areNamesShown }
      await trx
        .insertInto('cloud')
        .values(row)
        .onConflict((conflict) => conflict.column('only_row').doUpdateSet(row))
        .execute()
      await audit(trx, deps.callerOf(request), {
        ...{ action: 'status config', subject: 'service-dashboard' },
        ...{ before, after },
      })
    })
    return after
  })
}

async function readSettings({ db }: ApiDeps): Promise<DashboardSettings> {
  const row = await db.selectFrom('cloud').select('shows_names').executeTakeFirst()
  return { areNamesShown: row?.shows_names ?? false }
}
