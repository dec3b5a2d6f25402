// Incidents in the management API: what is or was not well, since when, and why.
import { type Static, Type } from 'typebox'
import { Instant, Nullable } from './parts.ts'

export const IncidentView = Type.Object({
  id: Type.String(),
  kind: Type.String({ description: 'service, region, standby, vault, gateway or certificate' }),
  subject: Type.String({ description: 'the name of the service, region, server or machine' }),
  state: Type.Union([Type.Literal('Degraded'), Type.Literal('Unhealthy')]),
  cause: Type.String(),
  message: Type.String(),
  evidence: Type.Array(Type.String()),
  openedAt: Instant,
  closedAt: Nullable(Instant),
})
export type IncidentView = Static<typeof IncidentView>
