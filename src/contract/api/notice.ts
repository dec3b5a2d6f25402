// Notices in the management API: whom incidents are told to.
import { type Static, Type } from 'typebox'
import { Instant, Nullable } from './parts.ts'

const Kind = Type.Union([Type.Literal('webhook'), Type.Literal('email')])
const Severity = Type.Union([Type.Literal('Degraded'), Type.Literal('Unhealthy')], {
  description: 'how bad it must be, or have been',
})

export const NewNoticeTarget = Type.Object(
  { kind: Kind, target: Type.String({ minLength: 1, maxLength: 2_000 }), severity: Severity },
  { additionalProperties: false },
)
export type NewNoticeTarget = Static<typeof NewNoticeTarget>

export const NoticeTargetView = Type.Object({
  id: Type.String(),
  kind: Kind,
  target: Type.String({ description: 'an address; of a webhook only where it leads: the rest may be a secret' }),
  severity: Severity,
  createdAt: Instant,
  lastSentAt: Nullable(Instant),
  problem: Nullable(Type.String({ description: 'why the last notice has not arrived' })),
})
export type NoticeTargetView = Static<typeof NoticeTargetView>

export const NoticeTargetMade = Type.Object({
  id: Type.String(),
  secret: Nullable(Type.String({ description: 'what a webhook is signed with; shown this once' })),
})
export type NoticeTargetMade = Static<typeof NoticeTargetMade>
