// Runs the scheduled jobs of the services that are served here when they are due. Who runs what is decided in the
// service's own database, so that of several processes, and of two homes in a planned move, one runs it.
import type { JobDefinition } from '../contract/scheduled-job.ts'
import { messageOf } from '../kit/fault.ts'
import {
  JOB_LATE_MS,
  JOB_LOOK_EVERY_MS,
  JOB_RETRY_MS,
  JOB_STATEMENT_MS,
  JOB_TICK_MS,
  JOB_TOUCH_EVERY_MS,
} from '../kit/limits.ts'
import type { Log } from '../kit/log.ts'
import { latestDue, nextDue } from '../kit/schedule.ts'
import type { Work } from './app-database.ts'
import { runJob, scriptOf } from './job-run.ts'
import { type Claim, JobStore, type Noted } from './job-store.ts'
import type { Leases } from './leases.ts'
import type { Scripts } from './scripts.ts'
import type { ServedService, Services } from './services.ts'

type Deps = { services: Services; scripts: Scripts; leases: Leases; log: Log }
type Watched = {
  epoch: number
  /** Since when it is served here under this epoch. */
  sinceMs: number
  /** What its database says; null while that was not read. */
  noted: Noted | null
  /** When there is next something to look at. */
  dueMs: number
  /** The definitions that this was reckoned by. */
  jobs: JobDefinition[]
  isBusy: boolean
}

export class JobScheduler {
  readonly #deps: Deps
  readonly #watched = new Map<string, Watched>()
  readonly #ticker: NodeJS.Timeout

  constructor(deps: Deps) {
    this.#deps = deps
    this.#ticker = setInterval(() => this.#tick(), JOB_TICK_MS)
    this.#ticker.unref()
  }

  /** Begins no run any more. */
  close(): void {
    clearInterval(this.#ticker)
  }

  /**
   * Runs a job now, because somebody asked for it. `overlaps`: another run of it goes on, and it is not to have two. Gives
   * its answer when the run is noted, and runs on.
   */
  async runNow(service: ServedService, job: JobDefinition): Promise<Claim['kind']> {
    const claim = await this.#claim(service, job, { dueMs: null, note: null })
    if (claim.kind === 'claimed') this.#run(service, job, claim.id)
    return claim.kind
  }

  #tick(): void {
    const { services } = this.#deps
    const served = services.all().filter(({ assignment }) => (assignment.jobs ?? []).length > 0)
    const names = new Set(served.map(({ assignment }) => assignment.name))
    for (const name of this.#watched.keys()) if (!names.has(name)) this.#watched.delete(name)
    for (const service of served) {
      const watched = this.#watchedOf(service)
      if (!watched.isBusy && Date.now() >= watched.dueMs) this.#lookAfter(service, watched)
    }
  }

  #watchedOf({ assignment }: ServedService): Watched {
    const { name, epoch, jobs = [] } = assignment
    const known = this.#watched.get(name)
    if (known?.epoch === epoch) {
      if (known.jobs !== jobs) Object.assign(known, { jobs, dueMs: 0 })
      return known
    }
    const made = { epoch, sinceMs: Date.now(), noted: null, dueMs: 0, jobs, isBusy: false }
    this.#watched.set(name, made)
    return made
  }

  #lookAfter(service: ServedService, watched: Watched): void {
    const { log, leases } = this.#deps
    // Without a lease nothing is begun, and nothing is wrong with that.
    if (!leases.isHeld(service.assignment.database.server)) return
    watched.isBusy = true
    this.#look(service, watched)
      .then((dueMs) => {
        watched.dueMs = dueMs
      })
      .catch((error: unknown) => {
        watched.dueMs = Date.now() + JOB_RETRY_MS
        log.warn({ service: service.assignment.name, err: error }, 'jobs could not be looked after')
      })
      .finally(() => {
        watched.isBusy = false
      })
  }

  // Returns when to look again.
  async #look(service: ServedService, watched: Watched): Promise<number> {
    const store = storeOf(service)
    await store.markLost(watched.epoch, shortWork())
    watched.noted ??= await store.noted(shortWork())
    const { noted, jobs } = watched
    for (const job of jobs.filter(({ isEnabled }) => isEnabled)) {
      const afterMs = afterOf(job, noted)
      const dueMs = latestDue(job.schedule, { afterMs, nowMs: Date.now() })
      if (dueMs === null) continue
      await this.#begin(service, watched, { job, dueMs })
      noted.lastDue.set(job.name, dueMs)
    }
    const next = jobs.flatMap((job) => (job.isEnabled ? (nextDue(job.schedule, afterOf(job, noted)) ?? []) : []))
    return Math.min(Date.now() + JOB_LOOK_EVERY_MS, ...next)
  }

  async #begin(service: ServedService, watched: Watched, due: { job: JobDefinition; dueMs: number }): Promise<void> {
    const { job, dueMs } = due
    const lateMs = Date.now() - dueMs
    const { epoch } = service.assignment
    if (lateMs > JOB_LATE_MS && job.missed === 'skip') {
      const note = 'nobody was there to run it at its time'
      await this.#guarded(service, async () => {
        await storeOf(service).skip({ job: job.name, dueMs, epoch, note }, shortWork())
      })
      return
    }
    await this.#requireText(service, job)
    const isFirstHere = dueMs < watched.sinceMs && (await this.#isFirstUnder(service, job))
    const claim = await this.#claim(service, job, { dueMs, note: noteOf({ lateMs, isFirstHere }) })
    if (claim.kind === 'claimed') this.#run(service, job, claim.id)
  }

  // Nothing of it was noted under this epoch yet, by whichever process: what comes next is a new home's first.
  async #isFirstUnder(service: ServedService, { name }: JobDefinition): Promise<boolean> {
    const { epochs } = await storeOf(service).noted(shortWork())
    return (epochs.get(name) ?? 0) < service.assignment.epoch
  }

  // A text that has not arrived yet is waited for: what is claimed without it would be lost.
  async #requireText(service: ServedService, job: JobDefinition): Promise<void> {
    const script = scriptOf(service, job)
    if (!script || (await this.#deps.scripts.findText(service.assignment, script)) !== null) return
    throw new Error(`the script of the job '${job.name}' has not arrived here yet`)
  }

  async #claim(
    service: ServedService,
    job: JobDefinition,
    { dueMs, note }: { dueMs: number | null; note: string | null },
  ): Promise<Claim> {
    const { epoch } = service.assignment
    const wanted = { job: job.name, dueMs, epoch, note, mayOverlap: job.overlap === 'allow' }
    return await this.#guarded(service, async () => await storeOf(service).claim(wanted, shortWork()))
  }

  async #guarded<T>(service: ServedService, work: () => Promise<T>): Promise<T> {
    const { server } = service.assignment.database
    return await this.#deps.leases.guard({ server, isWrite: true }, work)
  }

  #run(service: ServedService, job: JobDefinition, id: string): void {
    const { log } = this.#deps
    const about = { service: service.assignment.name, job: job.name }
    const store = storeOf(service)
    const touching = setInterval(() => {
      store
        .touch(id, shortWork())
        .catch((error) => log.warn({ ...about, err: error }, 'a run of a job could not be noted'))
    }, JOB_TOUCH_EVERY_MS)
    runJob({ ...this.#deps, service }, job)
      .finally(() => clearInterval(touching))
      .then(
        async (ended) =>
          await this.#guarded(service, async () => await store.finish({ id, job: job.name }, ended, shortWork())),
      )
      .catch((error: unknown) =>
        log.warn({ ...about, problem: messageOf(error) }, 'the end of a job could not be noted'),
      )
  }
}

/** Of the service's own database, as it is now. */
export function storeOf({ database, assignment }: ServedService): JobStore {
  return new JobStore(database, assignment.database.schema)
}

function afterOf(job: JobDefinition, noted: Noted): number {
  return Math.max(Date.parse(job.countsFrom), noted.lastDue.get(job.name) ?? 0)
}

function noteOf({ lateMs, isFirstHere }: { lateMs: number; isFirstHere: boolean }): string | null {
  const notes = [
    ...(lateMs > JOB_LATE_MS ? [`${Math.round(lateMs / 1_000)} s late: nobody was there to run it at its time`] : []),
    // What the home before noted last may not have come along.
    ...(isFirstHere ? ['it was due before this home took over, and may have run there'] : []),
  ]
  return notes.length === 0 ? null : notes.join('; ')
}

function shortWork(): Work {
  return { deadline: performance.now() + JOB_STATEMENT_MS, isWriteInFlight: false }
}
