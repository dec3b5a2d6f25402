// Stranded writes in the management API: which there are, how they would apply today, and applying them.
import { type Static, Type } from 'typebox'
import { Instant, Nullable } from './parts.ts'

/** What only a lost primary had: its bundle, and what was done with it. */
export const DivergenceView = Type.Object({
  server: Type.String(),
  epoch: Type.Integer({ description: 'the one that the lost primary wrote under' }),
  machine: Type.String({ description: 'where it was found' }),
  /** `kept`: nothing was done, or something was left alone. `applied`: all of it is there. */
  state: Type.Union([Type.Literal('kept'), Type.Literal('applied'), Type.Literal('discarded')]),
  transactions: Type.Integer(),
  changes: Type.Integer(),
  tables: Type.Array(
    Type.Object({
      service: Nullable(Type.String({ description: 'whose table it is; null when nobody has that schema any more' })),
      schema: Type.String(),
      table: Type.String(),
      inserts: Type.Integer(),
      updates: Type.Integer(),
      deletes: Type.Integer(),
      truncations: Type.Integer(),
    }),
  ),
  applied: Nullable(
    Type.Object({
      applied: Type.Integer(),
      already: Type.Integer(),
      conflicts: Type.Integer(),
      skipped: Type.Integer(),
      examples: Type.Array(Type.String()),
    }),
  ),
  foundAt: Instant,
})
export type DivergenceView = Static<typeof DivergenceView>

const RowView = Nullable(Type.Record(Type.String(), Nullable(Type.String())))

/** A stranded change and how it would apply today; columns as PostgreSQL prints them. */
export const StrandedChangeView = Type.Object({
  transaction: Type.Integer(),
  committedAt: Type.String(),
  schema: Type.String(),
  table: Type.String(),
  kind: Type.Union([Type.Literal('insert'), Type.Literal('update'), Type.Literal('delete'), Type.Literal('truncate')]),
  key: Nullable(Type.String()),
  before: RowView,
  after: RowView,
  outcome: Type.Union([Type.Literal('clean'), Type.Literal('already'), Type.Literal('conflict')]),
  reason: Nullable(Type.String()),
})
export type StrandedChangeView = Static<typeof StrandedChangeView>

export const DivergencePreviewView = Type.Object({
  divergence: DivergenceView,
  clean: Type.Integer(),
  already: Type.Integer(),
  conflicts: Type.Integer(),
  changes: Type.Array(StrandedChangeView),
})
export type DivergencePreviewView = Static<typeof DivergencePreviewView>

const Which = {
  epoch: Type.Optional(Type.Integer({ description: 'default: the newest' })),
  service: Type.Optional(Type.String({ description: 'only the changes of this mobile service', maxLength: 100 })),
}

export const ApplyDivergence = Type.Object(
  { ...Which, onConflict: Type.Optional(Type.Union([Type.Literal('skip'), Type.Literal('overwrite')])) },
  { additionalProperties: false },
)
export type ApplyDivergence = Static<typeof ApplyDivergence>

export const DiscardDivergence = Type.Object({ epoch: Type.Integer() }, { additionalProperties: false })
export type DiscardDivergence = Static<typeof DiscardDivergence>
