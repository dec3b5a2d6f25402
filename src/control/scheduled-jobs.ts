// Scheduled jobs of a service through the management API: when they are due is stored here, how they went is read
// there.
import { audit } from '../accounts/audit.ts'
import type { Caller } from '../accounts/caller.ts'
import type { CreateJob, JobRunView, JobView, StoredChangeView, UpdateJob } from '../contract/api.ts'
import { JOBS_PATH } from '../contract/protocols.ts'
import type { JobRun } from '../contract/scheduled-job.ts'
import { Fault } from '../kit/fault.ts'
import { checkSchedule, nextDue } from '../kit/schedule.ts'
import { requireReachable } from '../regions/hosts.ts'
import { changeJob, getJob, insertJob, listJobs, removeJob } from '../services/jobs.ts'
import { requireJobName } from '../services/names.ts'
import { endScript, listCurrentScripts } from '../services/scripts.ts'
import { getService, type Service } from '../services/services.ts'
import type { ApiDeps } from './compose.ts'
import type { RuntimeAnswer } from './machine-field.ts'
import { refusalOf, runtimeTarget } from './service-runtime.ts'
import { storeChange } from './stored-change.ts'

type Names = { service: string; job: string }

/** One job or all. Faults with `job.unknown`. */
export async function viewJobs(deps: ApiDeps, caller: Caller, name: string, only?: string): Promise<JobView[]> {
  const service = await getService(deps.db, caller.subscriptionId, name)
  const jobs = only === undefined ? await listJobs(deps.db, [service.id]) : [await getJob(deps.db, service, only)]
  if (jobs.length === 0) return []
  const scripts = await listCurrentScripts(deps.db, [service.id])
  const runs = await newestRuns(deps, service)
  const now = Date.now()
  return jobs.map((job) => {
    const nextMs = job.is_enabled ? nextDue(job.schedule, Math.max(now, job.counts_from.getTime())) : null
    return {
      name: job.name,
      status: job.is_enabled ? 'enabled' : 'disabled',
      schedule: job.schedule,
      overlap: job.overlap,
      missed: job.missed,
      hasScript: scripts.some((script) => script.name.toLowerCase() === `scheduler/${job.name}`.toLowerCase()),
      nextRun: nextMs === null ? null : new Date(nextMs).toISOString(),
      isKnown: runs !== null,
      lastRun: runs?.find((run) => run.job === job.name) ?? null,
      createdAt: job.created_at.toISOString(),
    }
  })
}

/** Defines a job. Faults with `job.bad_name`, `job.exists`, `schedule.bad`. */
export async function createJob(
  deps: ApiDeps,
  caller: Caller,
  name: string,
  wanted: CreateJob,
): Promise<StoredChangeView> {
  requireJobName(wanted.name)
  checkSchedule(wanted.schedule, Date.now())
  const { isEnabled = false, overlap = 'skip', missed = 'once' } = wanted
  const job = { name: wanted.name, schedule: wanted.schedule, isEnabled, overlap, missed }
  const service = await getService(deps.db, caller.subscriptionId, name)
  const { isRunning } = await storeChange(deps, service, async (trx, locked) => {
    await insertJob(trx, locked, job)
    await audit(trx, caller, { action: 'mobile job create', subject: `${service.name}/${job.name}`, after: job })
    return true
  })
  return { isRunning }
}

/** Changes when a job is due, and whether; what is not named stays. */
export async function updateJob(
  deps: ApiDeps,
  caller: Caller,
  names: Names,
  wanted: UpdateJob,
): Promise<StoredChangeView> {
  if (wanted.schedule) checkSchedule(wanted.schedule, Date.now())
  const service = await getService(deps.db, caller.subscriptionId, names.service)
  const { isRunning } = await storeChange(deps, service, async (trx, locked) => {
    const job = await getJob(trx, locked, names.job)
    await changeJob(trx, job, wanted)
    const before = { schedule: job.schedule, isEnabled: job.is_enabled, overlap: job.overlap, missed: job.missed }
    const subject = `${service.name}/${job.name}`
    await audit(trx, caller, { action: 'mobile job update', subject, before, after: { ...before, ...wanted } })
    return true
  })
  return { isRunning }
}

/** Removes a job and takes its script out of force; the versions of that are kept. */
export async function deleteJob(deps: ApiDeps, caller: Caller, names: Names): Promise<StoredChangeView> {
  const service = await getService(deps.db, caller.subscriptionId, names.service)
  const { isRunning } = await storeChange(deps, service, async (trx, locked) => {
    const job = await getJob(trx, locked, names.job)
    await removeJob(trx, job)
    await endScript(trx, service.id, `scheduler/${job.name}`, caller.principal)
    await audit(trx, caller, { action: 'mobile job delete', subject: `${service.name}/${job.name}` })
    return true
  })
  return { isRunning }
}

/** Runs a job now; it goes on when this is answered. Faults with `job.running` or `job.no_script`. */
export async function runJob(deps: ApiDeps, caller: Caller, names: Names): Promise<void> {
  const service = await getService(deps.db, caller.subscriptionId, names.service)
  const job = await getJob(deps.db, service, names.job)
  await requireHome(deps, service)
  const { status, body } = await ask(deps, service, { method: 'POST', path: `/jobs/${encodeURIComponent(job.name)}` })
  const said = refusalOf(body)
  if (status === 409 && said.includes('no script')) {
    throw new Fault('job.no_script', 409, `the job '${job.name}' has no script yet`, {
      hint: `Upload it: mainstay mobile script upload ${service.name} scheduler/${job.name}`,
    })
  }
  if (status === 409) throw new Fault('job.running', 409, `another run of '${job.name}' is going on`)
  if (status >= 400) throw new Fault('remote.failed', status, said)
  await audit(deps.db, caller, { action: 'mobile job run', subject: `${service.name}/${job.name}` })
}

/** How the newest runs of a job went. */
export async function viewRuns(deps: ApiDeps, caller: Caller, names: Names, top: number): Promise<JobRunView[]> {
  const service = await getService(deps.db, caller.subscriptionId, names.service)
  const job = await getJob(deps.db, service, names.job)
  await requireHome(deps, service)
  const path = `${JOBS_PATH}?${new URLSearchParams({ job: job.name, top: String(top) })}`
  const { status, body } = await ask(deps, service, { method: 'GET', path })
  if (status >= 400) throw new Fault('remote.failed', status, refusalOf(body))
  return runsOf(body)
}

async function newestRuns(deps: ApiDeps, service: Service): Promise<JobRun[] | null> {
  if (!deps.field.isReachable(service.machine)) return null
  try {
    const { status, body } = await ask(deps, service, { method: 'GET', path: JOBS_PATH })
    return status === 200 ? runsOf(body) : null
  } catch {
    // What only a lost home knows is shown as unknown.
    return null
  }
}

async function requireHome(deps: ApiDeps, service: Service): Promise<void> {
  await deps.field.settle()
  requireReachable(deps.field, service.machine, `'${service.name}'`)
}

async function ask(
  deps: ApiDeps,
  service: Service,
  call: { method: 'GET' | 'POST'; path: string },
): Promise<RuntimeAnswer> {
  return await deps.field.askRuntime(runtimeTarget(deps, service), call)
}

function runsOf(body: unknown): JobRun[] {
  return typeof body === 'object' && body !== null && 'runs' in body ? (body.runs as JobRun[]) : []
}
