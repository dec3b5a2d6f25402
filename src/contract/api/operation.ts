// Operations and the audit in the management API.
import { type Static, Type } from 'typebox'
import { FaultView, Instant, Nullable } from './parts.ts'
import { RecoveryPlanView, RecoveryReportView } from './recovery.ts'

/** How far a step is that moves data. `secondsLeft` is null before there is a rate to go by. */
export const StepProgress = Type.Object({
  doneBytes: Type.Integer(),
  totalBytes: Type.Integer(),
  bytesPerSecond: Nullable(Type.Integer()),
  secondsLeft: Nullable(Type.Integer()),
})
export type StepProgress = Static<typeof StepProgress>

export const OperationView = Type.Object({
  id: Type.String(),
  kind: Type.Union([
    Type.Literal('create'),
    Type.Literal('delete'),
    Type.Literal('recover'),
    Type.Literal('scale'),
    Type.Literal('restore'),
    Type.Literal('create_server'),
    Type.Literal('delete_server'),
    Type.Literal('protect_server'),
    Type.Literal('switchover_server'),
    Type.Literal('apply_divergence'),
    Type.Literal('backup'),
    Type.Literal('verify_backups'),
    Type.Literal('restore_server'),
    Type.Literal('switchover'),
    Type.Literal('change_database'),
    Type.Literal('promote_server'),
    Type.Literal('restore_table'),
    Type.Literal('verify_service'),
    Type.Literal('reprotect'),
    Type.Literal('failback'),
    Type.Literal('issue_certificate'),
  ]),
  /** What it is about: a service, a server, or a service and its server. */
  service: Nullable(Type.String()),
  server: Nullable(Type.String()),
  /** `needs_you`: stopped after the point of no return; `next` says what to do. */
  state: Type.Union([
    Type.Literal('running'),
    Type.Literal('succeeded'),
    Type.Literal('failed'),
    Type.Literal('needs_you'),
  ]),
  /** Grows with every change: pass it as `after` to be answered when there is something new. */
  revision: Type.Integer(),
  principal: Type.String(),
  steps: Type.Array(
    Type.Object({
      name: Type.String(),
      sentence: Type.String(),
      state: Type.Union([
        Type.Literal('waiting'),
        Type.Literal('running'),
        Type.Literal('done'),
        Type.Literal('failed'),
      ]),
      attempts: Type.Integer(),
      startedAt: Nullable(Instant),
      ms: Nullable(Type.Integer()),
      detail: Nullable(Type.String()),
      progress: Type.Optional(Nullable(StepProgress)),
    }),
  ),
  error: Nullable(FaultView),
  plan: Nullable(RecoveryPlanView),
  report: Nullable(RecoveryReportView),
  next: Nullable(Type.String()),
  startedAt: Instant,
  finishedAt: Nullable(Instant),
})
export type OperationView = Static<typeof OperationView>

/** A change that a person asked for. */
export const AuditView = Type.Object({
  id: Type.Integer(),
  at: Instant,
  principal: Type.String(),
  action: Type.String({ description: "the command's words" }),
  subject: Type.String(),
  before: Type.Unknown(),
  after: Type.Unknown(),
  operation: Nullable(Type.String()),
  link: Nullable(Type.Integer({ description: 'its place in the chain; null for a second, until it is sealed' })),
  hash: Nullable(Type.String({ description: 'SHA-256 over it and the hash of the one before' })),
})
export type AuditView = Static<typeof AuditView>
