// Scheduled jobs of a service in the management API.
import { type Static, Type } from 'typebox'
import { INTERVAL_UNITS, PERIOD_MAX } from '../../kit/interval.ts'
import { MISSED, OVERLAPS, RUN_STATES } from '../scheduled-job.ts'
import { Instant, Nullable } from './parts.ts'

/** All in UTC. */
export const ScheduleView = Type.Union([
  Type.Object(
    {
      kind: Type.Literal('interval'),
      period: Type.Integer({ minimum: 1, maximum: PERIOD_MAX }),
      unit: Type.Enum([...INTERVAL_UNITS]),
      startAt: Type.String({ maxLength: 40 }),
    },
    { additionalProperties: false },
  ),
  Type.Object({ kind: Type.Literal('cron'), line: Type.String({ maxLength: 200 }) }, { additionalProperties: false }),
  Type.Object({ kind: Type.Literal('none') }, { additionalProperties: false }),
])
export type ScheduleView = Static<typeof ScheduleView>

export const JobRunView = Type.Object({
  job: Type.String(),
  dueAt: Nullable(Instant),
  startedAt: Instant,
  finishedAt: Nullable(Instant),
  state: Type.Enum([...RUN_STATES]),
  note: Nullable(Type.String()),
  output: Type.String(),
})
export type JobRunView = Static<typeof JobRunView>

const Overlap = Type.Enum([...OVERLAPS])
const Missed = Type.Enum([...MISSED])

/** `lastRun`: null where it never ran, or where its home cannot be asked (`isKnown` false). */
export const JobView = Type.Object({
  name: Type.String(),
  status: Type.Union([Type.Literal('enabled'), Type.Literal('disabled')]),
  schedule: ScheduleView,
  overlap: Overlap,
  missed: Missed,
  hasScript: Type.Boolean(),
  nextRun: Nullable(Instant),
  isKnown: Type.Boolean(),
  lastRun: Nullable(JobRunView),
  createdAt: Instant,
})
export type JobView = Static<typeof JobView>

export const CreateJob = Type.Object(
  {
    name: Type.String({ maxLength: 100 }),
    schedule: ScheduleView,
    isEnabled: Type.Optional(Type.Boolean()),
    overlap: Type.Optional(Overlap),
    missed: Type.Optional(Missed),
  },
  { additionalProperties: false },
)
export type CreateJob = Static<typeof CreateJob>

export const UpdateJob = Type.Object(
  {
    schedule: Type.Optional(ScheduleView),
    isEnabled: Type.Optional(Type.Boolean()),
    overlap: Type.Optional(Overlap),
    missed: Type.Optional(Missed),
  },
  { additionalProperties: false },
)
export type UpdateJob = Static<typeof UpdateJob>
