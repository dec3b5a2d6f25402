// Scheduled jobs in the original's management protocol. Their scripts are with the other scripts.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { JobView } from '../contract/api.ts'
import type { ApiDeps } from '../control/compose.ts'
import { createJob, deleteJob, updateJob, viewJobs } from '../control/scheduled-jobs.ts'
import { jobEntry, scheduleOfNew, updateOfJob } from './job-shapes.ts'

const Name = Type.String({ minLength: 1, maxLength: 100 })
const ByService = Type.Object({ svc: Name })
const ByJob = Type.Object({ svc: Name, job: Name })
const Word = Type.Optional(Type.String({ maxLength: 40 }))
const JobBody = Type.Object({
  status: Word,
  intervalUnit: Word,
  // Typed on a command line, it may come as text.
  intervalPeriod: Type.Optional(Type.Union([Type.Number(), Type.String({ pattern: '^[0-9]{1,9}$' })])),
  startTime: Word,
})

/** Jobs: list, show, create, update, delete. */
export const jobRoutes: FastifyPluginAsyncTypebox<ApiDeps> = async (app, deps) => {
  const find = async (request: FastifyRequest, { svc, job }: { svc: string; job: string }) => {
    const [view] = await viewJobs(deps, deps.callerOf(request), svc, job)
    return view as JobView
  }

  app.get('/scheduler/jobs', { schema: { params: ByService } }, async (request) => {
    const { svc } = request.params
    return (await viewJobs(deps, deps.callerOf(request), svc)).map((job) => jobEntry(job, svc))
  })

  const newSchema = { params: ByService, body: Type.Intersect([JobBody, Type.Object({ name: Name })]) }
  app.post('/scheduler/jobs', { schema: newSchema }, async (request, reply) => {
    const { svc } = request.params
    const { name } = request.body
    const schedule = scheduleOfNew(request.body, new Date().toISOString())
    await createJob(deps, deps.callerOf(request), svc, { name, schedule })
    return reply.code(201).send(jobEntry(await find(request, { svc, job: name }), svc))
  })

  app.get('/scheduler/jobs/:job', { schema: { params: ByJob } }, async (request) => {
    return jobEntry(await find(request, request.params), request.params.svc)
  })

  app.put('/scheduler/jobs/:job', { schema: { params: ByJob, body: JobBody } }, async (request) => {
    const { svc, job } = request.params
    const { schedule } = await find(request, request.params)
    await updateJob(deps, deps.callerOf(request), { service: svc, job }, updateOfJob(request.body, schedule))
    return jobEntry(await find(request, request.params), svc)
  })

  app.delete('/scheduler/jobs/:job', { schema: { params: ByJob } }, async (request, reply) => {
    const { svc, job } = request.params
    await deleteJob(deps, deps.callerOf(request), { service: svc, job })
    return reply.code(204).send()
  })
}
