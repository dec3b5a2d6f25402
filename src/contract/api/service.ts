// Services in the management API: what they are, and what can be asked of them.
import { type Static, Type } from 'typebox'
import { BODY_KB_MAX, HSTS_SECONDS_MAX } from '../assignment.ts'
import { LOGIN_REDIRECT, LOGIN_REDIRECTS_MAX } from '../auth-provider.ts'
import { HealthView, Instant, Mode, Nullable } from './parts.ts'

export const ServiceView = Type.Object({
  name: Type.String(),
  health: HealthView,
  region: Type.String(),
  mode: Mode,
  units: Type.Integer(),
  url: Type.String({ description: 'the stable URL, host form' }),
  pathUrl: Type.String({ description: 'the same service for clients that cannot set a host' }),
  applicationKey: Type.String({ description: 'empty for a reader' }),
  masterKey: Type.String({ description: 'empty for a reader' }),
  tables: Type.Array(Type.String()),
  epoch: Type.Integer(),
  server: Type.String(),
  serverRegion: Type.String(),
  formerDatabase: Nullable(
    Type.Object({
      server: Type.String(),
      /** At least; null: until somebody drops it. */
      keptUntil: Nullable(Instant),
    }),
  ),
  exposure: Nullable(
    Type.Object(
      {
        /** Of the standby; null where none is connected. */
        lagBytes: Nullable(Type.Integer()),
        lagMs: Nullable(Type.Integer()),
        lagTransactions: Nullable(Type.Integer()),
        /** The newest moment that the vault could restore. */
        restorableTo: Nullable(Instant),
      },
      { description: 'what of its data is in one place only; null where its database is somebody else’s' },
    ),
  ),
  secondaryFor: Nullable(Type.String()),
  secondary: Nullable(Type.String()),
  recoveredFrom: Nullable(
    Type.String({ description: 'the region that it was recovered from last, if it is elsewhere now' }),
  ),
  operation: Nullable(Type.String({ description: 'id of the operation that holds it' })),
  verification: Nullable(
    Type.Object(
      {
        operation: Type.String(),
        state: Type.Union([Type.Literal('running'), Type.Literal('succeeded'), Type.Literal('failed')]),
        /** When it ended; when it began, while it is running. */
        at: Instant,
        problem: Nullable(Type.String({ description: 'what was found, or why it could not look' })),
      },
      { description: 'its newest verification, begun by a person or after a move' },
    ),
  ),
  sourceRepositoryUrl: Type.Optional(
    Nullable(Type.String({ description: 'where git finds its repository; null while source control is off' })),
  ),
  createdAt: Instant,
})
export type ServiceView = Static<typeof ServiceView>

export const CreateService = Type.Object(
  {
    name: Type.String(),
    location: Type.Optional(Type.String({ description: 'region name or slug; default: the first region' })),
    mode: Type.Optional(Mode),
    units: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
    secondaryFor: Type.Optional(Type.String()),
    sqlServer: Type.Optional(
      Type.String({
        description: '`new`, or a name; default: its own when reserved, else the region’s',
        maxLength: 100,
      }),
    ),
    isDryRun: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)
export type CreateService = Static<typeof CreateService>

export const ScaleService = Type.Object(
  {
    mode: Type.Optional(Mode),
    units: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
    isDryRun: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)
export type ScaleService = Static<typeof ScaleService>

export const SwitchService = Type.Object(
  {
    to: Type.Optional(
      Type.String({ description: 'a region, or its secondary; default: where that is', maxLength: 100 }),
    ),
    isWithServer: Type.Optional(Type.Boolean({ description: 'also when its server holds the data of others' })),
    isDryRun: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)
export type SwitchService = Static<typeof SwitchService>

export const Reprotect = Type.Object(
  {
    location: Type.Optional(
      Type.String({
        description: 'the region for standby and secondary; default: the one it was recovered from',
        maxLength: 100,
      }),
    ),
    isDryRun: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)
export type Reprotect = Static<typeof Reprotect>

export const FailBack = Type.Object(
  {
    isWithServer: Type.Optional(Type.Boolean({ description: 'also when its server holds the data of others' })),
    isDryRun: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)
export type FailBack = Static<typeof FailBack>

export const ChangeDatabase = Type.Object(
  {
    server: Type.Optional(Type.String({ description: 'default: the one that it was on last', maxLength: 100 })),
    acceptedLossMs: Type.Optional(
      Nullable(Type.Integer({ minimum: 0, description: 'writes of so long may be left behind; null: of any time' })),
    ),
    isDryRun: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)
export type ChangeDatabase = Static<typeof ChangeDatabase>

/** A host name without port, one `*` in it; or `null`. */
export const ORIGIN_HOST = '^(?:[A-Za-z0-9.-]*\\*?[A-Za-z0-9.-]*|\\[[0-9A-Fa-f:]+\\])$'
export const ORIGINS_MAX = 100

export const ServiceSettings = Type.Object({
  isSchemaDynamic: Type.Boolean({ description: 'writes may add columns' }),
  isKeyRequired: Type.Boolean({ description: 'the application key is asked of clients of the second generation, too' }),
  crossDomainWhitelist: Type.Array(Type.String(), {
    description: 'host names of pages that may call it, with one * each; null for pages of files',
  }),
  isHttpsRequired: Type.Boolean({ description: 'plain HTTP is refused' }),
  bodyKb: Type.Integer({ description: 'the largest body of a request, in KiB' }),
  loginRedirects: Type.Array(Type.String(), {
    description: 'URLs to which the result of a sign-in may be handed over, each with all below it',
  }),
  isHttpsRedirected: Type.Boolean({ description: 'gateways send plain HTTP to HTTPS' }),
  hstsSeconds: Type.Integer({ description: 'how long browsers are to come by HTTPS only; 0: they are told nothing' }),
  lossMsMax: Type.Integer({ description: 'a recovery that is predicted to lose more wants to be told so' }),
})
export type ServiceSettings = Static<typeof ServiceSettings>

export const SetSettings = Type.Object(
  {
    isSchemaDynamic: Type.Optional(Type.Boolean()),
    isKeyRequired: Type.Optional(Type.Boolean()),
    crossDomainWhitelist: Type.Optional(
      Type.Array(Type.String({ pattern: ORIGIN_HOST, maxLength: 253 }), { maxItems: ORIGINS_MAX }),
    ),
    isHttpsRequired: Type.Optional(Type.Boolean()),
    bodyKb: Type.Optional(Type.Integer({ minimum: 1, maximum: BODY_KB_MAX })),
    loginRedirects: Type.Optional(
      Type.Array(Type.String({ pattern: LOGIN_REDIRECT, maxLength: 2_048 }), { maxItems: LOGIN_REDIRECTS_MAX }),
    ),
    isHttpsRedirected: Type.Optional(Type.Boolean()),
    hstsSeconds: Type.Optional(Type.Integer({ minimum: 0, maximum: HSTS_SECONDS_MAX })),
    lossMsMax: Type.Optional(Type.Integer({ minimum: 0, maximum: 2_147_483_647 })),
    isDryRun: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)
export type SetSettings = Static<typeof SetSettings>

export const VerifyService = Type.Object(
  {
    against: Type.Optional(
      Type.String({ description: '`standby`, `backup`, or a moment or id of one', maxLength: 100 }),
    ),
  },
  { additionalProperties: false },
)
export type VerifyService = Static<typeof VerifyService>

export const ImportView = Type.Object({
  service: Type.String(),
  from: Type.String({ description: 'the service that the export is of' }),
  exportedAt: Instant,
  rows: Type.Record(Type.String(), Type.Integer()),
  scripts: Type.Array(Type.String()),
})
export type ImportView = Static<typeof ImportView>

const SizeView = Type.Object({ mode: Mode, units: Type.Integer() })
/** What a scaling would do; it was checked and nothing refuses it. */
export const ScalePlanView = Type.Object({ name: Type.String(), region: Type.String(), from: SizeView, to: SizeView })
export type ScalePlanView = Static<typeof ScalePlanView>

/** Which of those that had one name: as `archivedAt` of the archives tells it. */
export const EndedAt = Type.String({
  description: 'which of that name, by when it ended (archivedAt of the archives); default: the newest',
  format: 'date-time',
})

export const RestoreService = Type.Object(
  {
    location: Type.Optional(Type.String({ description: 'region name or slug; default: where it was' })),
    secondaryFor: Type.Optional(Type.String({ description: 'default: whom it was promised to' })),
    endedAt: Type.Optional(EndedAt),
    isDryRun: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)
export type RestoreService = Static<typeof RestoreService>

/** A service that ended and can be brought back. */
export const ArchiveView = Type.Object({
  name: Type.String(),
  reason: Type.String(),
  mode: Mode,
  units: Type.Integer(),
  region: Type.String(),
  archivedAt: Instant,
  hasData: Type.Boolean({ description: 'its schema still lies on its server' }),
  /** Null or missing: kept for as long as its server is there. */
  dropDataAt: Type.Optional(Nullable(Instant)),
})
export type ArchiveView = Static<typeof ArchiveView>

export const KeyType = Type.Union([Type.Literal('application'), Type.Literal('master')])
export type KeyType = Static<typeof KeyType>

/** Without a value, control makes a new one. */
export const SetKey = Type.Object(
  { value: Type.Optional(Type.String()), isDryRun: Type.Optional(Type.Boolean()) },
  { additionalProperties: false },
)
export type SetKey = Static<typeof SetKey>

export const KeyView = Type.Object({ type: KeyType, value: Type.String() })
export type KeyView = Static<typeof KeyView>
