// Database servers in the management API.
import { type Static, Type } from 'typebox'
import { Instant, Nullable, Protection, SyncPolicy } from './parts.ts'

export const ServerView = Type.Object({
  name: Type.String(),
  region: Type.String({ description: 'where its primary is' }),
  epoch: Type.Integer(),
  isDefault: Type.Boolean({ description: 'new services of its home region go to it' }),
  /** `external`: somebody else's; protection is then theirs. */
  kind: Type.Union([Type.Literal('managed'), Type.Literal('external')]),
  protection: Protection,
  /** Only of `sync`. */
  syncPolicy: Nullable(SyncPolicy),
  isProtected: Type.Boolean({
    description: 'in force: its standby may be promoted now, and is waited for if so asked; or it can be restored',
  }),
  operation: Nullable(Type.String({ description: 'id of the operation that holds it' })),
  backup: Nullable(
    Type.Object({
      vault: Type.String(),
      /** Every moment between these two can be restored. */
      restorableFrom: Nullable(Instant),
      restorableTo: Nullable(Instant),
      newestAt: Nullable(Instant),
      behindBytes: Nullable(Type.Integer()),
      takenBytes: Nullable(Type.Integer({ description: 'of a base backup that is being taken' })),
      problem: Nullable(Type.String()),
      /** When its backups were last checked by hand or by schedule, and what was wrong. */
      checkedAt: Nullable(Instant),
      checkProblem: Nullable(Type.String()),
    }),
  ),
  /** Only of an external one: how it is reached, and what can be seen of it. */
  external: Nullable(
    Type.Object({
      user: Type.String(),
      database: Type.String(),
      tls: Type.Union([Type.Literal('disable'), Type.Literal('require'), Type.Literal('verify-full')]),
      at: Nullable(Type.String({ description: 'the host that takes writes now' })),
      version: Nullable(Type.String()),
      hosts: Type.Array(Type.Object({ place: Type.String(), state: Type.String(), problem: Nullable(Type.String()) })),
      /** Null where its role may not see them. */
      standbys: Nullable(
        Type.Array(Type.Object({ name: Type.String(), lagBytes: Type.Integer(), lagMs: Nullable(Type.Integer()) })),
      ),
    }),
  ),
  services: Type.Array(Type.String()),
  members: Type.Array(
    Type.Object({
      machine: Type.String(),
      region: Type.String(),
      role: Type.Union([Type.Literal('primary'), Type.Literal('standby'), Type.Literal('quarantined')]),
      /** What the machine last reported; `unknown` before it ever did. */
      state: Type.String(),
      problem: Nullable(Type.String()),
      epoch: Type.Integer(),
      lsn: Nullable(Type.String()),
      lagBytes: Nullable(Type.Integer()),
      lagMs: Nullable(Type.Integer()),
      lagTransactions: Nullable(Type.Integer({ description: 'at most so many' })),
      lease: Type.String({ description: 'free, held 120 ms ago, lost' }),
      /** `building`, `streaming`, `ready` (promotable), `released`; null for others than a standby. */
      standing: Nullable(Type.String()),
      lastContactAt: Nullable(Instant),
      dataBytes: Nullable(Type.Integer()),
      disk: Nullable(Type.Object({ freeBytes: Type.Integer(), totalBytes: Type.Integer() })),
      quarantine: Nullable(
        Type.Object({
          forkLsn: Nullable(Type.String()),
          endLsn: Nullable(Type.String()),
          keptBytes: Type.Integer(),
          folder: Type.String(),
        }),
      ),
    }),
  ),
})
export type ServerView = Static<typeof ServerView>

export const CreateServer = Type.Object(
  {
    name: Type.String({ maxLength: 100 }),
    location: Type.Optional(Type.String({ description: 'region name or slug; default: the first region' })),
    protection: Type.Optional(Protection),
    syncPolicy: Type.Optional(SyncPolicy),
    isDryRun: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)
export type CreateServer = Static<typeof CreateServer>

export const AttachServer = Type.Object(
  {
    name: Type.String({ maxLength: 100 }),
    url: Type.String({ description: 'postgres://USER:PASSWORD@HOST1:5432,HOST2:5432/DATABASE', maxLength: 4_096 }),
    ca: Type.Optional(Type.String({ description: 'certificates to trust, as PEM', maxLength: 200_000 })),
    location: Type.Optional(Type.String({ description: 'the region that it is in; default: the first region' })),
    isTakenOver: Type.Optional(Type.Boolean({ description: 'although it is attached elsewhere, or is a copy' })),
    isDryRun: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)
export type AttachServer = Static<typeof AttachServer>

export const PromoteServer = Type.Object(
  {
    acceptedLossMs: Type.Optional(
      Nullable(Type.Integer({ minimum: 0, description: 'null: any. Default: one minute' })),
    ),
    isDryRun: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)
export type PromoteServer = Static<typeof PromoteServer>

export const ProtectServer = Type.Object(
  {
    protection: Type.Optional(Protection),
    syncPolicy: Type.Optional(SyncPolicy),
    location: Type.Optional(Type.String({ description: 'where the standby is to be; default: any other region' })),
    isDryRun: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)
export type ProtectServer = Static<typeof ProtectServer>

export const RestoreServer = Type.Object(
  {
    to: Type.Optional(Type.String({ description: 'latest, a moment, or the id of a backup', maxLength: 100 })),
    location: Type.Optional(Type.String({ description: 'region name or slug; default: the first region' })),
    name: Type.Optional(Type.String({ description: 'of the new server; default: SERVER-restored', maxLength: 100 })),
    isDryRun: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)
export type RestoreServer = Static<typeof RestoreServer>

const Moments = Nullable(Type.Object({ from: Instant, to: Instant }))

/** What a vault holds of a server, the newest backup first. */
export const BackupsView = Type.Object({
  vault: Type.String(),
  backups: Type.Array(
    Type.Object({
      id: Type.String(),
      startedAt: Instant,
      endedAt: Instant,
      plainBytes: Type.Integer(),
      storedBytes: Type.Integer(),
      restorable: Moments,
      problem: Nullable(Type.String()),
    }),
  ),
  restorable: Moments,
  gaps: Type.Array(Type.String()),
  problems: Type.Array(Type.String()),
})
export type BackupsView = Static<typeof BackupsView>
