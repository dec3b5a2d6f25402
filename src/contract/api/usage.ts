// What was measured, in the management API: the requests of a service, and how a server or a machine stood.
import { type Static, Type } from 'typebox'
import { MEASURES } from '../measure.ts'
import { SPANS } from '../span.ts'
import { Instant, Nullable } from './parts.ts'

export const SpanSchema = Type.Enum(SPANS, { description: 'how far back from now' })

const Looked = {
  over: SpanSchema,
  pointSeconds: Type.Integer({ description: 'the length of one point' }),
  from: Instant,
  to: Instant,
}

const Counts = {
  requests: Type.Integer(),
  errors: Type.Integer({ description: 'of them: answered with 5xx, or broken off in the middle of the answer' }),
  bytesOut: Type.Integer({ description: 'sent to apps, headers included' }),
  medianMs: Nullable(Type.Number({ description: 'of the time from a request to the end of its answer' })),
  p99Ms: Nullable(Type.Number()),
  devices: Type.Integer({ description: 'that named themselves; exact up to 64, within some percent beyond' }),
}

export const UsageView = Type.Object({
  service: Type.String(),
  ...Looked,
  total: Type.Object(Counts),
  points: Type.Array(Type.Object({ at: Instant, ...Counts })),
})
export type UsageView = Static<typeof UsageView>

export const MeasuresView = Type.Object({
  subject: Type.String(),
  ...Looked,
  series: Type.Array(
    Type.Object({
      measure: Type.Enum(MEASURES),
      unit: Type.Enum(['ms', 'bytes', 'ratio']),
      points: Type.Array(Type.Object({ at: Instant, mean: Type.Number(), low: Type.Number(), high: Type.Number() })),
    }),
  ),
})
export type MeasuresView = Static<typeof MeasuresView>
