// The parts that other schemas of the management API are made of.
import { type Static, Type } from 'typebox'

/** That, or null. */
export const Nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) =>
  Type.Union([schema, Type.Null()])

/** A moment. */
export const Instant = Type.String({ description: 'ISO 8601, UTC' })

export const FaultView = Type.Object({
  code: Type.String(),
  message: Type.String(),
  hint: Type.Optional(Type.String()),
})
export type FaultView = Static<typeof FaultView>

/** How something stands, why, and the command that a person can type next. */
export const HealthView = Type.Object({
  state: Type.Union([
    Type.Literal('Starting'),
    Type.Literal('Ready'),
    Type.Literal('Degraded'),
    Type.Literal('Unhealthy'),
    Type.Literal('Recovering'),
    Type.Literal('Stopped'),
  ]),
  cause: Nullable(Type.String()),
  message: Nullable(Type.String()),
  since: Nullable(Instant),
  evidence: Type.Array(Type.String()),
  next: Nullable(Type.String()),
})
export type HealthView = Static<typeof HealthView>

/** What a change would do; it was checked and nothing refuses it. */
export const DryRunView = Type.Object({ isDryRun: Type.Literal(true), changes: Type.Array(Type.String()) })
export type DryRunView = Static<typeof DryRunView>

export const Mode = Type.Union([Type.Literal('shared'), Type.Literal('reserved')])
export type Mode = Static<typeof Mode>

/**
 * What keeps a server's data beside its primary. `none`: nothing. `vault`: backups. `async`: a standby in another region,
 * which may lack the last moment. `sync`: a standby that has every commit that was acknowledged.
 */
export const Protection = Type.Union([
  Type.Literal('none'),
  Type.Literal('vault'),
  Type.Literal('async'),
  Type.Literal('sync'),
])
export type Protection = Static<typeof Protection>

/** What a primary with a synchronous standby does when that is gone: go on once that is recorded, or wait for it. */
export const SyncPolicy = Type.Union([Type.Literal('degrade'), Type.Literal('block')])
export type SyncPolicy = Static<typeof SyncPolicy>

/** What a change to what a service runs came to. `isRunning` false: its home knows it when it can be reached again. */
export const StoredChangeView = Type.Object({ isRunning: Type.Boolean() })
export type StoredChangeView = Static<typeof StoredChangeView>
