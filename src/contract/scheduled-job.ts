// Scheduled jobs: what is due when, and how the runs of them went.
import type { Schedule } from '../kit/interval.ts'

/** `skip`: one that is due while another run of it goes on is left out. `allow`: both go on. */
export const OVERLAPS = ['skip', 'allow'] as const
export type Overlap = (typeof OVERLAPS)[number]
/** What was due while nobody was there to run it: `once`: it runs once for all of them; `skip`: it does not. */
export const MISSED = ['once', 'skip'] as const
export type Missed = (typeof MISSED)[number]

/** A scheduled job: its script is `scheduler/NAME`. `countsFrom`: nothing was due before. */
export type JobDefinition = {
  name: string
  schedule: Schedule
  isEnabled: boolean
  overlap: Overlap
  missed: Missed
  countsFrom: string
}

/**
 * `lost`: it was under way when its process ended: it may have done all, part or none. `skipped`: it was due and did not
 * run, for the reason in `note`.
 */
export const RUN_STATES = ['running', 'succeeded', 'failed', 'lost', 'skipped'] as const
export type RunState = (typeof RUN_STATES)[number]

/** A run. `dueAt`: null for one that somebody asked for. `output`: what it said, cut. Instants are ISO 8601. */
export type JobRun = {
  job: string
  dueAt: string | null
  startedAt: string
  finishedAt: string | null
  state: RunState
  note: string | null
  output: string
}

/** A schedule in words. */
export function scheduleText(schedule: Schedule): string {
  if (schedule.kind === 'none') return 'on demand'
  if (schedule.kind === 'cron') return `cron ${schedule.line}`
  return schedule.period === 1 ? `every ${schedule.unit}` : `every ${schedule.period} ${schedule.unit}s`
}
