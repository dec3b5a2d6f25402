// The management API as people's clients see it: schemas of what control answers and takes, under /api/v1.
import { type Static, Type } from 'typebox'
import { ColumnType } from './table-change.ts'

const Nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) => Type.Union([schema, Type.Null()])
const Instant = Type.String({ description: 'ISO 8601, UTC' })

export const FaultView = Type.Object({
  code: Type.String(),
  message: Type.String(),
  hint: Type.Optional(Type.String()),
})
export type FaultView = Static<typeof FaultView>

/** A command a person can type next, and why. */
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

export const Mode = Type.Union([Type.Literal('shared'), Type.Literal('reserved')])
export type Mode = Static<typeof Mode>

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

export const ServiceView = Type.Object({
  name: Type.String(),
  health: HealthView,
  region: Type.String(),
  mode: Mode,
  units: Type.Integer(),
  url: Type.String({ description: 'the stable URL, host form' }),
  pathUrl: Type.String({ description: 'the same service for clients that cannot set a host' }),
  applicationKey: Type.String(),
  masterKey: Type.String(),
  tables: Type.Array(Type.String()),
  epoch: Type.Integer(),
  server: Type.String(),
  serverRegion: Type.String(),
  secondaryFor: Nullable(Type.String()),
  secondary: Nullable(Type.String()),
  operation: Nullable(Type.String({ description: 'id of the operation that holds it' })),
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

const SizeView = Type.Object({ mode: Mode, units: Type.Integer() })
/** What a scaling would do; it was checked and nothing refuses it. */
export const ScalePlanView = Type.Object({ name: Type.String(), region: Type.String(), from: SizeView, to: SizeView })
export type ScalePlanView = Static<typeof ScalePlanView>

export const RestoreService = Type.Object(
  {
    location: Type.Optional(Type.String({ description: 'region name or slug; default: where it was' })),
    secondaryFor: Type.Optional(Type.String({ description: 'default: whom it was promised to' })),
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
})
export type ArchiveView = Static<typeof ArchiveView>

export const KeyType = Type.Union([Type.Literal('application'), Type.Literal('master')])
export type KeyType = Static<typeof KeyType>

/** Without a value, control makes a new one. */
export const SetKey = Type.Object({ value: Type.Optional(Type.String()) }, { additionalProperties: false })
export type SetKey = Static<typeof SetKey>

export const KeyView = Type.Object({ type: KeyType, value: Type.String() })
export type KeyView = Static<typeof KeyView>

const Level = Type.Union([
  Type.Literal('public'),
  Type.Literal('application'),
  Type.Literal('user'),
  Type.Literal('admin'),
])
export const PermissionsView = Type.Object(
  { insert: Level, read: Level, update: Level, delete: Level },
  { additionalProperties: false },
)
export type PermissionsView = Static<typeof PermissionsView>

export const TableView = Type.Object({
  name: Type.String(),
  idType: Type.Literal('string'),
  permissions: PermissionsView,
  /** Null where the region cannot be asked. */
  recordCount: Nullable(Type.Integer()),
  columns: Nullable(Type.Array(Type.Object({ name: Type.String(), type: Type.String(), indexed: Type.Boolean() }))),
  createdAt: Instant,
})
export type TableView = Static<typeof TableView>

export const CreateTable = Type.Object(
  { name: Type.String(), permissions: Type.Optional(Type.Partial(PermissionsView)) },
  { additionalProperties: false },
)
export type CreateTable = Static<typeof CreateTable>

export const SetPermissions = Type.Partial(PermissionsView, { additionalProperties: false })
export type SetPermissions = Static<typeof SetPermissions>

export const AddColumn = Type.Object({ type: ColumnType }, { additionalProperties: false })

/** `building`: an index that takes long; ask again. */
export const TableChangeView = Type.Object({
  state: Type.Union([Type.Literal('done'), Type.Literal('building')]),
  column: Type.String(),
})
export type TableChangeView = Static<typeof TableChangeView>

/** Without `confirm` it only counts. */
export const Truncate = Type.Object({ confirm: Type.Boolean() }, { additionalProperties: false })
export const TruncateView = Type.Object({ didTruncate: Type.Boolean(), rowCount: Type.Integer() })
export type TruncateView = Static<typeof TruncateView>

export const ServerView = Type.Object({
  name: Type.String(),
  region: Type.String({ description: 'where its primary is' }),
  epoch: Type.Integer(),
  protection: Type.Union([Type.Literal('none'), Type.Literal('async')]),
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
      lease: Type.String({ description: 'free, held 120 ms ago, lost' }),
      /** `building`, `streaming`, `ready` (promotable), `released`; null for others than a standby. */
      standing: Nullable(Type.String()),
      lastContactAt: Nullable(Instant),
      dataBytes: Nullable(Type.Integer()),
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

export const RecoverRequest = Type.Object(
  {
    secondary: Type.String(),
    isDryRun: Type.Optional(Type.Boolean()),
    isForced: Type.Optional(Type.Boolean()),
    /** What the plan that the operator saw does to the database; refused when it would be something else by now. */
    expectedAction: Type.Optional(Type.Union([Type.Literal('keep'), Type.Literal('promote')])),
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
    action: Type.Union([Type.Literal('keep'), Type.Literal('promote')]),
    server: Type.String(),
    alsoMoves: Type.Array(Type.String({ description: 'services whose data moves along' })),
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
  protectionSentence: Type.String({ description: 'Not protected now. Reserve another: …' }),
})
export type RecoveryReportView = Static<typeof RecoveryReportView>

export const OperationView = Type.Object({
  id: Type.String(),
  kind: Type.Union([
    Type.Literal('create'),
    Type.Literal('delete'),
    Type.Literal('recover'),
    Type.Literal('scale'),
    Type.Literal('restore'),
  ]),
  service: Type.String(),
  /** `needs_you`: stopped after the point of no return; `next` says what to do. */
  state: Type.Union([
    Type.Literal('running'),
    Type.Literal('succeeded'),
    Type.Literal('failed'),
    Type.Literal('needs_you'),
  ]),
  /** Grows with every change: pass it as `after` to be answered when there is something new. */
  revision: Type.Integer(),
  principal: Type.String(),
  steps: Type.Array(
    Type.Object({
      name: Type.String(),
      sentence: Type.String(),
      state: Type.Union([
        Type.Literal('waiting'),
        Type.Literal('running'),
        Type.Literal('done'),
        Type.Literal('failed'),
      ]),
      attempts: Type.Integer(),
      startedAt: Nullable(Instant),
      ms: Nullable(Type.Integer()),
      detail: Nullable(Type.String()),
    }),
  ),
  error: Nullable(FaultView),
  plan: Nullable(RecoveryPlanView),
  report: Nullable(RecoveryReportView),
  next: Nullable(Type.String()),
  startedAt: Instant,
  finishedAt: Nullable(Instant),
})
export type OperationView = Static<typeof OperationView>

/** A change that a person asked for. */
export const AuditView = Type.Object({
  id: Type.Integer(),
  at: Instant,
  principal: Type.String(),
  action: Type.String({ description: "the command's words" }),
  subject: Type.String(),
  before: Type.Unknown(),
  after: Type.Unknown(),
  operation: Nullable(Type.String()),
})
export type AuditView = Static<typeof AuditView>

export const ScriptView = Type.Object({
  name: Type.String({ description: 'table/TodoItem.insert' }),
  version: Type.Integer(),
  hash: Type.String({ description: 'SHA-256 of its text, hex' }),
  bytes: Type.Integer(),
  principal: Type.String({ description: 'who wrote this version' }),
  createdAt: Instant,
})
export type ScriptView = Static<typeof ScriptView>

/** A hash of null: the script was deleted with this version. */
export const ScriptVersionView = Type.Object({
  version: Type.Integer(),
  hash: Nullable(Type.String()),
  bytes: Nullable(Type.Integer()),
  principal: Type.String(),
  createdAt: Instant,
})
export type ScriptVersionView = Static<typeof ScriptVersionView>

export const ScriptTextView = Type.Object({
  name: Type.String(),
  version: Type.Integer(),
  hash: Type.String(),
  text: Type.String(),
})
export type ScriptTextView = Static<typeof ScriptTextView>

export const UploadScript = Type.Object({ text: Type.String() }, { additionalProperties: false })

/** `version` null: that text was in force already. `isRunning` false: its home runs it when it can be reached again. */
export const ScriptWrittenView = Type.Object({
  name: Type.String(),
  version: Nullable(Type.Integer()),
  isRunning: Type.Boolean(),
})
export type ScriptWrittenView = Static<typeof ScriptWrittenView>

const NamedHash = Type.Object({ name: Type.String(), hash: Type.String() })
/** What the runtime would run, read from its disk (null: missing or damaged there), and what is in force. */
export const RunningScriptsView = Type.Object({
  machine: Type.String(),
  running: Type.Array(Type.Object({ name: Type.String(), hash: Nullable(Type.String()) })),
  inForce: Type.Array(NamedHash),
})
export type RunningScriptsView = Static<typeof RunningScriptsView>

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
  warnings: Type.Array(Type.String()),
})
export type StatusView = Static<typeof StatusView>

export const JoinTokenRequest = Type.Object(
  {
    role: Type.Union([Type.Literal('host'), Type.Literal('gateway')]),
    /** The region of a host, the failure domain of a gateway. */
    domain: Type.String({ minLength: 1, maxLength: 60 }),
  },
  { additionalProperties: false },
)
export type JoinTokenRequest = Static<typeof JoinTokenRequest>

export const JoinTokenView = Type.Object({
  token: Type.String({ description: 'the word to carry to the other machine' }),
  role: Type.Union([Type.Literal('host'), Type.Literal('gateway')]),
  domain: Type.String(),
  machine: Nullable(Type.String({ description: 'only for a machine that joins again' })),
  expiresAt: Instant,
  controlUrl: Type.String({ description: 'what --control must say over there' }),
})
export type JoinTokenView = Static<typeof JoinTokenView>

export const MachineView = Type.Object({
  name: Type.String(),
  role: Type.String(),
  domain: Type.String(),
  address: Nullable(Type.String({ description: 'of its door, with the port; null before it was heard' })),
  release: Nullable(Type.String()),
  protocol: Nullable(Type.Integer()),
  certificateUntil: Nullable(Instant),
  lastSeenMs: Nullable(Type.Integer()),
  revokedAt: Nullable(Instant),
})
export type MachineView = Static<typeof MachineView>

export const RevokeRequest = Type.Object(
  { isDryRun: Type.Optional(Type.Boolean()), isForced: Type.Optional(Type.Boolean()) },
  { additionalProperties: false },
)
export type RevokeRequest = Static<typeof RevokeRequest>

export const RevocationView = Type.Object({
  machine: MachineView,
  isRevoked: Type.Boolean(),
  /** What it holds, which is lost with it unless it is moved first. */
  primaries: Type.Array(Type.String()),
  services: Type.Array(Type.String()),
  standbys: Type.Array(Type.String()),
  /** Why it is refused without force, and the command that moves what it holds; null when nothing stands against it. */
  refusal: Nullable(FaultView),
})
export type RevocationView = Static<typeof RevocationView>

/** The routes, by name; `:x` is filled in by the client. */
export const API = {
  live: '/api/v1/live',
  /** For Prometheus, which wants it there. */
  metrics: '/metrics',
  status: '/api/v1/status',
  regions: '/api/v1/regions',
  region: '/api/v1/regions/:region',
  services: '/api/v1/services',
  service: '/api/v1/services/:service',
  tables: '/api/v1/services/:service/tables',
  table: '/api/v1/services/:service/tables/:table',
  permissions: '/api/v1/services/:service/tables/:table/permissions',
  column: '/api/v1/services/:service/tables/:table/columns/:column',
  index: '/api/v1/services/:service/tables/:table/indexes/:column',
  data: '/api/v1/services/:service/tables/:table/data',
  truncate: '/api/v1/services/:service/tables/:table/truncate',
  scripts: '/api/v1/services/:service/scripts',
  runningScripts: '/api/v1/services/:service/running-scripts',
  script: '/api/v1/services/:service/scripts/:script',
  scriptVersions: '/api/v1/services/:service/scripts/:script/versions',
  recover: '/api/v1/services/:service/recover',
  scale: '/api/v1/services/:service/scale',
  key: '/api/v1/services/:service/keys/:type',
  restart: '/api/v1/services/:service/restart',
  archives: '/api/v1/archives',
  restore: '/api/v1/archives/:service/restore',
  operations: '/api/v1/operations',
  operation: '/api/v1/operations/:operation',
  audit: '/api/v1/audit',
  servers: '/api/v1/servers',
  server: '/api/v1/servers/:server',
  joinTokens: '/api/v1/join-tokens',
  settleWithout: '/api/v1/control/settle/:machine',
  machines: '/api/v1/machines',
  machine: '/api/v1/machines/:machine',
  machineJoinTokens: '/api/v1/machines/:machine/join-tokens',
  machineRevoke: '/api/v1/machines/:machine/revoke',
} as const
