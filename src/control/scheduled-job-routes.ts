// The management API's routes for scheduled jobs.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { CreateJob, JobRunView, JobView, StoredChangeView, UpdateJob } from '../contract/api.ts'
import { API } from '../contract/api-routes.ts'
import { JOB_RUNS_KEPT_MAX } from '../kit/limits.ts'
import type { ApiDeps } from './compose.ts'
import { createJob, deleteJob, runJob, updateJob, viewJobs, viewRuns } from './scheduled-jobs.ts'

const TOP_USUAL = 10
const Name = Type.String({ minLength: 1, maxLength: 100 })
const ByService = Type.Object({ service: Name })
const ByJob = Type.Object({ service: Name, job: Name })
const stored = { 200: StoredChangeView }

/** Jobs: list, show, create, update, delete, run now, and how they went. */
export const scheduledJobRoutes: FastifyPluginAsyncTypebox<ApiDeps> = async (app, deps) => {
  app.get(API.jobs, { schema: { params: ByService, response: { 200: Type.Array(JobView) } } }, async (request) => {
    return await viewJobs(deps, deps.callerOf(request), request.params.service)
  })

  app.get(API.job, { schema: { params: ByJob, response: { 200: JobView } } }, async (request) => {
    const [view] = await viewJobs(deps, deps.callerOf(request), request.params.service, request.params.job)
    return view as JobView
  })

  const createSchema = { params: ByService, body: CreateJob, response: { 201: StoredChangeView } }
  app.post(API.jobs, { schema: createSchema }, async (request, reply) => {
    const made = await createJob(deps, deps.callerOf(request), request.params.service, request.body)
    return reply.code(201).send(made)
  })

  app.patch(
    API.job,
    { schema: { params: ByJob, body: UpdateJob, response: stored } },
    async (request) => await updateJob(deps, deps.callerOf(request), request.params, request.body),
  )

  app.delete(
    API.job,
    { schema: { params: ByJob, response: stored } },
    async (request) => await deleteJob(deps, deps.callerOf(request), request.params),
  )

  const runsSchema = {
    params: ByJob,
    querystring: Type.Object({ top: Type.Optional(Type.Integer({ minimum: 1, maximum: JOB_RUNS_KEPT_MAX })) }),
    response: { 200: Type.Array(JobRunView) },
  }
  app.get(API.jobRuns, { schema: runsSchema }, async (request) => {
    const { top = TOP_USUAL } = request.query
    return await viewRuns(deps, deps.callerOf(request), request.params, top)
  })

  app.post(API.jobRuns, { schema: { params: ByJob } }, async (request, reply) => {
    await runJob(deps, deps.callerOf(request), request.params)
    return reply.code(202).send({})
  })
}
