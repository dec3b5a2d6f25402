// `mobile job list|show|create|update|delete|run|history`: what a mobile service does by the clock. The scripts of jobs:
// `mobile script`.
import type { Command } from 'commander'
import type { CreateJob, JobRunView, JobView, UpdateJob } from '../contract/api.ts'
import { MISSED, OVERLAPS, scheduleText } from '../contract/scheduled-job.ts'
import { Fault } from '../kit/fault.ts'
import { INTERVAL_UNITS, PERIOD_MAX, type Schedule } from '../kit/interval.ts'
import { JOB_RUNS_KEPT_MAX } from '../kit/limits.ts'
import { tellWhenLost } from './api.ts'
import { isSure, needService, needText, wholeNumber } from './asking.ts'
import { pairLines, tableLines } from './columns.ts'
import { addCommand, runCommand, type Session, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'

type Given = [string | undefined, string | undefined]
type ScheduleFlags = { interval?: string; intervalUnit?: string; startTime?: string; cron?: string }
type Flags = CommonFlags & ScheduleFlags & { status?: string; overlap?: string; missed?: string }

const LIST = 'mainstay mobile job list SERVICE'
const SHOW = 'mainstay mobile job show SERVICE JOB'
const CREATE = 'mainstay mobile job create SERVICE JOB'
const UPDATE = 'mainstay mobile job update SERVICE JOB'
const DELETE = 'mainstay mobile job delete SERVICE JOB'
const RUN = 'mainstay mobile job run SERVICE JOB'
const HISTORY = 'mainstay mobile job history SERVICE JOB'
const USUAL_PERIOD = '15'
const USUAL_UNIT = 'minute'

/** Adds the seven commands. */
export function addJob(job: Command, shell: Shell): void {
  addLooking(job, shell)
  addChanging(job, shell)
}

function addLooking(job: Command, shell: Shell): void {
  addCommand(job, {
    usage: 'list [service]',
    about: 'list the scheduled jobs of a mobile service',
    examples: [LIST],
  }).action(async (given: string | undefined, flags: CommonFlags) => {
    await runCommand(shell, { name: 'mobile job list', flags }, async (session) => {
      const service = await needService(session, given, LIST)
      const jobs = await (await session.client()).scripts.listJobs(service)
      if (jobs.length > 0) return { json: jobs, lines: listLines(jobs) }
      const command = session.talk.asTyped(`mainstay mobile job create ${service} JOB`)
      session.talk.info(`No jobs created yet. Create one: ${command}`)
      return { json: [] }
    })
  })
  addCommand(job, {
    usage: 'show [service] [job]',
    about: 'show a job, when it is due and how it went last',
    examples: [SHOW],
  }).action(async (...[service, name, flags]: [...Given, CommonFlags]) => {
    await runCommand(shell, { name: 'mobile job show', flags }, async (session) => {
      const names = await needNames(session, [service, name], SHOW)
      const view = await (await session.client()).scripts.getJob(names.service, names.job)
      return { json: view, lines: viewLines(view) }
    })
  })
  addCommand(job, {
    usage: 'history [service] [job]',
    about: 'show how the runs of a job went, the newest first',
    examples: [HISTORY, `${HISTORY} --top 50`],
  })
    .option('-p, --top <number>', 'so many runs', '10')
    .action(async (...[service, name, flags]: [...Given, CommonFlags & { top: string }]) => {
      await runCommand(shell, { name: 'mobile job history', flags }, async (session) => {
        const names = await needNames(session, [service, name], HISTORY)
        const top = wholeNumber('--top', flags.top, { min: 1, max: JOB_RUNS_KEPT_MAX })
        const runs = await (await session.client()).scripts.listJobRuns(names.service, names.job, top)
        if (runs.length === 0) session.talk.info('It has not run yet')
        return { json: runs, lines: runs.flatMap(runLines) }
      })
    })
}

function addChanging(job: Command, shell: Shell): void {
  withOptions(
    addCommand(job, {
      usage: 'create [service] [job]',
      about: 'create a job, disabled; its script is uploaded with: mobile script upload SERVICE scheduler/JOB',
      examples: [`${CREATE} --interval 15 --intervalUnit minute`, `${CREATE} --cron "0 3 * * *" --status enabled`],
    }),
  ).action(async (...[service, name, flags]: [...Given, Flags]) => {
    await runCommand(shell, { name: 'mobile job create', flags }, async (session) => {
      const names = await needNames(session, [service, name], CREATE)
      const request: CreateJob = { name: names.job, schedule: scheduleOf(flags) ?? usual(), ...settingsOf(flags) }
      const client = await session.client()
      const { isRunning } = await client.scripts.createJob(names.service, request)
      tellWhenLost(session, names.service, isRunning)
      const view = await client.scripts.getJob(names.service, names.job)
      const next = [
        `write scheduler/${view.name}.js, and: mainstay mobile script upload ${names.service} scheduler/${view.name}`,
        ...(view.status === 'enabled'
          ? []
          : [`mainstay mobile job update ${names.service} ${view.name} --status enabled`]),
      ]
      return { json: view, lines: [...viewLines(view), 'Next', ...next.map((line) => `  ${line}`)] }
    })
  })
  withOptions(
    addCommand(job, {
      usage: 'update [service] [job]',
      about: 'change when a job is due, and whether it is enabled; what is not named stays',
      examples: [`${UPDATE} --status enabled`, `${UPDATE} --interval 2 --intervalUnit hour`],
    }),
  ).action(async (...[service, name, flags]: [...Given, Flags]) => {
    await runCommand(shell, { name: 'mobile job update', flags }, async (session) => {
      const names = await needNames(session, [service, name], UPDATE)
      const schedule = scheduleOf(flags)
      const request: UpdateJob = { ...(schedule ? { schedule } : {}), ...settingsOf(flags) }
      if (Object.keys(request).length === 0) {
        throw new Fault('usage.nothing_to_do', 400, 'nothing to change', {
          hint: `Say what: ${UPDATE} --status enabled`,
        })
      }
      const client = await session.client()
      const { isRunning } = await client.scripts.updateJob(names.service, names.job, request)
      tellWhenLost(session, names.service, isRunning)
      const view = await client.scripts.getJob(names.service, names.job)
      return { json: view, lines: viewLines(view) }
    })
  })
  addCommand(job, {
    usage: 'delete [service] [job]',
    about: 'delete a job; the versions of its script are kept',
    examples: [`${DELETE} --quiet`],
  }).action(async (...[service, name, flags]: [...Given, CommonFlags]) => {
    await runCommand(shell, { name: 'mobile job delete', flags }, async (session) => {
      const names = await needNames(session, [service, name], DELETE)
      const client = await session.client()
      const view = await client.scripts.getJob(names.service, names.job)
      const prompt = `Do you want to delete the job '${view.name}'? (y/n): `
      const insteadSay = `Add --quiet to delete without a question: ${DELETE} --quiet`
      if (!(await isSure(session, { prompt, insteadSay }))) {
        return { json: { deleted: false } }
      }
      const { isRunning } = await client.scripts.deleteJob(names.service, names.job)
      tellWhenLost(session, names.service, isRunning)
      session.talk.info(`Deleted job ${view.name}; the versions of its script are kept`)
      return { json: { deleted: true, job: view.name } }
    })
  })
  addCommand(job, {
    usage: 'run [service] [job]',
    about: 'run a job now, whether it is enabled or not',
    examples: [RUN],
  }).action(async (...[service, name, flags]: [...Given, CommonFlags]) => {
    await runCommand(shell, { name: 'mobile job run', flags }, async (session) => {
      const names = await needNames(session, [service, name], RUN)
      await (await session.client()).scripts.runJob(names.service, names.job)
      const command = session.talk.asTyped(`mainstay mobile job history ${names.service} ${names.job}`)
      session.talk.info(`It runs; how it went: ${command}`)
      return { json: { job: names.job, isRunning: true } }
    })
  })
}

function withOptions(command: Command): Command {
  return command
    .option('-i, --interval <number>', `so many of --intervalUnit between two runs (default: ${USUAL_PERIOD})`)
    .option('-u, --intervalUnit <unit>', `${INTERVAL_UNITS.join(', ')}, or none (default: ${USUAL_UNIT})`)
    .option('-t, --startTime <moment>', 'from when intervals are counted, in UTC: 2026-12-01T03:00:00Z (default: now)')
    .option('--cron <line>', 'a cron line instead, in UTC: minute hour day month weekday')
    .option('-a, --status <status>', 'enabled or disabled')
    .option('--overlap <policy>', 'what is due while another run goes on: skip (default) or allow')
    .option('--missed <policy>', 'what was due while nobody could run it: once (default) or skip')
}

function usual(): Schedule {
  return { kind: 'interval', period: Number(USUAL_PERIOD), unit: USUAL_UNIT, startAt: new Date().toISOString() }
}

function scheduleOf(flags: ScheduleFlags): Schedule | null {
  const { interval, intervalUnit, startTime, cron } = flags
  const isInterval = interval !== undefined || intervalUnit !== undefined || startTime !== undefined
  if (cron !== undefined && isInterval) {
    throw new Fault('usage.bad_option', 400, '--cron says all by itself', {
      hint: 'Leave the options of intervals out.',
    })
  }
  if (cron !== undefined) return { kind: 'cron', line: cron }
  if (!isInterval) return null
  if (intervalUnit?.toLowerCase() === 'none') return { kind: 'none' }
  const unit = INTERVAL_UNITS.find((one) => one === (intervalUnit ?? USUAL_UNIT).toLowerCase())
  if (!unit) {
    throw new Fault('usage.bad_option', 400, `there is no unit '${intervalUnit}'`, {
      hint: `Units are ${INTERVAL_UNITS.join(', ')}, and none for a job that only runs when somebody says so.`,
    })
  }
  const period = wholeNumber('--interval', interval ?? USUAL_PERIOD, { min: 1, max: PERIOD_MAX })
  const start = startTime === undefined ? Date.now() : Date.parse(startTime)
  if (Number.isNaN(start)) {
    throw new Fault('usage.bad_option', 400, `--startTime takes a moment, not '${startTime}'`, {
      hint: 'Write it as 2026-12-01T03:00:00Z.',
    })
  }
  return { kind: 'interval', period, unit, startAt: new Date(start).toISOString() }
}

function settingsOf({ status, overlap, missed }: Flags): Pick<UpdateJob, 'isEnabled' | 'overlap' | 'missed'> {
  return {
    ...(status === undefined ? {} : { isEnabled: oneOf('--status', status, ['enabled', 'disabled']) === 'enabled' }),
    ...(overlap === undefined ? {} : { overlap: oneOf('--overlap', overlap, OVERLAPS) }),
    ...(missed === undefined ? {} : { missed: oneOf('--missed', missed, MISSED) }),
  }
}

function oneOf<Word extends string>(option: string, text: string, words: readonly Word[]): Word {
  const found = words.find((word) => word === text.toLowerCase())
  if (found) return found
  throw new Fault('usage.bad_option', 400, `${option} takes ${words.join(' or ')}, not '${text}'`)
}

async function needNames(session: Session, [service, job]: Given, usage: string) {
  const question = { prompt: 'Job name: ', what: 'the name of the job', insteadSay: `Name the job: ${usage}` }
  return { service: await needService(session, service, usage), job: await needText(session, job, question) }
}

function lastText({ isKnown, lastRun }: JobView): string {
  if (!isKnown) return 'unknown now'
  return lastRun === null ? 'never' : `${lastRun.startedAt} ${lastRun.state}`
}

function listLines(jobs: JobView[]): string[] {
  const rows = jobs.map((job) => [job.name, job.status, scheduleText(job.schedule), job.nextRun ?? '-', lastText(job)])
  return tableLines(['Name', 'Status', 'Schedule', 'Next run', 'Last run'], rows)
}

function viewLines(job: JobView): string[] {
  const { schedule } = job
  return pairLines([
    ['Job', job.name],
    ['Status', job.status],
    ['Schedule', scheduleText(schedule)],
    ['Counted from', schedule.kind === 'interval' ? schedule.startAt : null],
    ['While one runs', job.overlap === 'skip' ? 'the next is skipped' : 'the next begins as well'],
    ['Missed ones', job.missed === 'once' ? 'run once, late' : 'are skipped'],
    ['Script', job.hasScript ? 'uploaded' : 'none yet'],
    ['Next run', job.nextRun],
    ['Last run', lastText(job)],
    ['Note', job.lastRun?.note ?? null],
  ])
}

function runLines(run: JobRunView): string[] {
  const why = run.dueAt === null ? 'asked for' : `due ${run.dueAt}`
  const ended = run.finishedAt === null ? '' : `, ended ${run.finishedAt}`
  const note = run.note === null ? '' : `: ${run.note}`
  const output = run.output === '' ? [] : run.output.split('\n').map((line) => `  ${line}`)
  return [`${run.startedAt}  ${run.state}${note} (${why}${ended})`, ...output]
}
