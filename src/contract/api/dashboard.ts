// The Service Dashboard in the management API: what operators write there. What is shown: status-page.ts.
import { type Static, Type } from 'typebox'
import { Instant, Nullable } from './parts.ts'

const TITLE_LENGTH_MAX = 120
const TEXT_LENGTH_MAX = 10_000

const Moment = Type.String({ format: 'date-time', description: 'ISO 8601' })

export const NewStatusPost = Type.Object(
  {
    title: Type.String({ minLength: 1, maxLength: TITLE_LENGTH_MAX }),
    text: Type.String({ maxLength: TEXT_LENGTH_MAX, description: 'markdown' }),
    window: Type.Optional(Type.Object({ from: Moment, to: Moment }, { additionalProperties: false })),
  },
  { additionalProperties: false },
)
export type NewStatusPost = Static<typeof NewStatusPost>

export const StatusPostView = Type.Object({
  id: Type.String(),
  at: Instant,
  title: Type.String(),
  text: Type.String(),
  window: Nullable(Type.Object({ from: Instant, to: Instant })),
})
export type StatusPostView = Static<typeof StatusPostView>

export const DashboardSettings = Type.Object({ areNamesShown: Type.Boolean() }, { additionalProperties: false })
export type DashboardSettings = Static<typeof DashboardSettings>
