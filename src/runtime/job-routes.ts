// Jobs by HTTP: `POST /jobs/NAME` runs one now, for whoever has the master key; how they went, for operators.
import { Fault } from '../kit/fault.ts'
import { JOB_RUNS_KEPT_MAX } from '../kit/limits.ts'
import { type Answer, emptyAnswer, jsonAnswer, methodNotAllowed } from './answer.ts'
import { notFound, unauthorized } from './app-faults.ts'
import type { AppRequest } from './app-request.ts'
import { isMaster } from './credentials.ts'
import { scriptOf } from './job-run.ts'
import { type JobScheduler, storeOf } from './job-scheduler.ts'
import type { ServedService } from './services.ts'
import { faultOfSql } from './sql-errors.ts'

/** Answers a request below `/jobs`; `segments` are what follows, decoded. At once: the job runs on. */
export async function answerJobs(
  { request, service, jobs }: { request: AppRequest; service: ServedService; jobs: JobScheduler },
  segments: string[],
): Promise<Answer> {
  const [name = '', ...rest] = segments
  const known = service.assignment.jobs ?? []
  const job = known.find((one) => one.name.toLowerCase() === name.toLowerCase())
  // Known before authorization, as in the original.
  if (!job || rest.length > 0) throw notFound()
  if (!isMaster(request.headers, service.assignment)) throw unauthorized()
  if (request.method !== 'POST') return methodNotAllowed('POST')
  if (!scriptOf(service, job)) throw new Fault('app.no_script', 409, `The job '${job.name}' has no script yet.`)
  const begun = await jobs.runNow(service, job).catch((error: unknown) => {
    throw faultOfSql(error, true)
  })
  if (begun === 'claimed') return emptyAnswer(200)
  throw new Fault('app.job_running', 409, `Another run of the job '${job.name}' is going on.`)
}

/** Answers GET to JOBS_PATH: the newest run of each job, or with `?job=NAME&top=10` the newest of one. */
export async function answerJobRuns(request: AppRequest, service: ServedService): Promise<Answer> {
  if (request.method !== 'GET') return methodNotAllowed('GET')
  if (!isMaster(request.headers, service.assignment)) throw unauthorized()
  const top = Math.min(Math.max(1, Math.trunc(Number(request.query.get('top') ?? 10)) || 10), JOB_RUNS_KEPT_MAX)
  try {
    const runs = await storeOf(service).runs(request.query.get('job'), top, request.work)
    return jsonAnswer(200, JSON.stringify({ runs }))
  } catch (error) {
    throw faultOfSql(error, false)
  }
}
