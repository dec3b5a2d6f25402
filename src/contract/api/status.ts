// The whole cloud in the management API: its regions, and how everything stands.
import { type Static, Type } from 'typebox'
import { IncidentView } from './incident.ts'
import { HealthView, Instant, Nullable } from './parts.ts'
import { ServiceView } from './service.ts'

export const RegionView = Type.Object({
  name: Type.String(),
  slug: Type.String(),
  health: HealthView,
  reservedUnits: Type.Integer(),
  reservedUnitsUsed: Type.Integer(),
  sharedSlots: Type.Integer(),
  sharedSlotsUsed: Type.Integer(),
  hosts: Type.Integer({ description: 'hosts that report now' }),
})
export type RegionView = Static<typeof RegionView>

export const StatusView = Type.Object({
  regions: Type.Array(RegionView),
  services: Type.Array(ServiceView),
  machines: Type.Array(
    Type.Object({
      name: Type.String(),
      role: Type.String(),
      domain: Type.String(),
      lastSeenMs: Nullable(Type.Integer()),
      memoryBytes: Nullable(Type.Integer()),
      sandbox: Nullable(Type.String({ description: 'of a host, how strong the border around scripts is there' })),
    }),
  ),
  controls: Type.Array(
    Type.Object({
      name: Type.String(),
      domain: Type.String(),
      version: Type.String(),
      /** One of them carries operations out; the others answer, and take over. */
      isExecuting: Type.Boolean(),
      since: Instant,
      lastSeenMs: Type.Integer(),
    }),
  ),
  /** Of the control database; null when no control process has a vault. */
  archive: Nullable(Type.Object({ newestAt: Nullable(Instant), vaults: Type.Integer() })),
  /** Those that are open. Left out by controls of 0.1. */
  incidents: Type.Optional(Type.Array(IncidentView)),
  warnings: Type.Array(Type.String()),
})
export type StatusView = Static<typeof StatusView>
