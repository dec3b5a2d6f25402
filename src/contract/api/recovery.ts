// A recovery in the management API: the request, what it would do, what it did.
import { type Static, Type } from 'typebox'
import { Instant, Nullable } from './parts.ts'

const DatabaseAction = Type.Union([Type.Literal('keep'), Type.Literal('promote'), Type.Literal('restore')])

export const RecoverRequest = Type.Object(
  {
    secondary: Type.String(),
    isDryRun: Type.Optional(Type.Boolean()),
    isForced: Type.Optional(Type.Boolean()),
    /** What the plan that the operator saw does to the database; refused when it would be something else by now. */
    expectedAction: Type.Optional(DatabaseAction),
    /** Default: `keep` where it is alive, else `promote` where that can be, else `restore`. */
    database: Type.Optional(DatabaseAction),
    to: Type.Optional(Type.String({ description: 'latest, a moment, or a backup; a restore', maxLength: 100 })),
    acceptedLossMs: Type.Optional(
      Nullable(Type.Integer({ minimum: 0, description: 'null: any. Default: the most that the service is set to' })),
    ),
  },
  { additionalProperties: false },
)
export type RecoverRequest = Static<typeof RecoverRequest>

export const RecoveryPlanView = Type.Object({
  primary: Type.String(),
  secondary: Type.String(),
  fromRegion: Type.String(),
  toRegion: Type.String(),
  database: Type.Object({
    action: DatabaseAction,
    server: Type.String(),
    alsoMoves: Type.Array(Type.String({ description: 'services whose data moves along' })),
    restore: Nullable(
      Type.Object({
        backup: Type.String(),
        restoresTo: Instant,
        bytes: Type.Integer(),
        walObjects: Type.Integer(),
        notes: Type.Array(Type.String({ description: 'what is gone around' })),
      }),
    ),
  }),
  predictedSeconds: Type.Number(),
  /** Upper bounds of what may be lost; null when nothing was ever measured. */
  predictedLossMsMax: Nullable(Type.Integer()),
  predictedLossBytes: Nullable(Type.Integer()),
  lossSentence: Type.String(),
  capacitySentence: Type.String(),
  steps: Type.Array(Type.Object({ name: Type.String(), sentence: Type.String() })),
})
export type RecoveryPlanView = Static<typeof RecoveryPlanView>

export const RecoveryReportView = Type.Object({
  databaseSentence: Type.String({ description: 'kept in West US, or promoted in East US' }),
  epoch: Type.Integer(),
  totalMs: Type.Integer(),
  steps: Type.Array(Type.Object({ name: Type.String(), sentence: Type.String(), ms: Type.Integer() })),
  lossSentence: Type.String({ description: 'what was measured' }),
  lossBytes: Nullable(Type.Integer()),
  lossMsMax: Nullable(Type.Integer()),
  rows: Type.Integer({ description: 'rows found in the tables of the service' }),
  lateGateways: Type.Array(Type.String()),
  protectionSentence: Type.String({ description: 'Not protected now. When West US is back: …' }),
})
export type RecoveryReportView = Static<typeof RecoveryReportView>
