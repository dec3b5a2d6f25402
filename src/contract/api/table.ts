// Tables of a service in the management API: their shape, who may use them, their rows.
import { type Static, Type } from 'typebox'
import { ROWS_AT_ONCE_MAX } from '../csv-rows.ts'
import { INDEX_USES } from '../slow-read.ts'
import { COLUMN_TYPES } from '../table-change.ts'
import { Instant, Nullable } from './parts.ts'

/** Who may: from open to closed. */
export const PermissionLevelView = Type.Union([
  Type.Literal('public'),
  Type.Literal('application'),
  Type.Literal('user'),
  Type.Literal('admin'),
])
export const PermissionsView = Type.Object(
  { insert: PermissionLevelView, read: PermissionLevelView, update: PermissionLevelView, delete: PermissionLevelView },
  { additionalProperties: false },
)
export type PermissionsView = Static<typeof PermissionsView>

/** What ids are: texts that an app may choose, or integers that the service gives. */
export const IdTypeView = Type.Union([Type.Literal('string'), Type.Literal('integer')])

/** What a runtime measured of late. It is gone once the index is there. */
export const IndexAdviceView = Type.Object({
  column: Type.String(),
  use: Type.Enum([...INDEX_USES]),
  count: Type.Integer({ description: 'how many slow reads there were' }),
  slowestMs: Type.Number(),
  readRows: Type.Integer({ description: 'rows that were looked at, estimated' }),
  foundRows: Type.Integer(),
  firstAt: Instant,
  lastAt: Instant,
  command: Type.String({ description: 'what makes them faster' }),
})
export type IndexAdviceView = Static<typeof IndexAdviceView>

export const TableView = Type.Object({
  name: Type.String(),
  idType: IdTypeView,
  permissions: PermissionsView,
  /** Null where the region cannot be asked. */
  recordCount: Nullable(Type.Integer()),
  /** On the disk, with its indexes. Null where the region cannot be asked. */
  bytes: Type.Optional(Nullable(Type.Integer())),
  columns: Nullable(Type.Array(Type.Object({ name: Type.String(), type: Type.String(), indexed: Type.Boolean() }))),
  /** A delete marks a row. Null where the region cannot be asked. */
  hasSoftDelete: Nullable(Type.Boolean()),
  /** Columns whose index would have made slow reads faster. Null where the region cannot be asked. */
  advice: Type.Optional(Nullable(Type.Array(IndexAdviceView))),
  createdAt: Instant,
})
export type TableView = Static<typeof TableView>

export const CreateTable = Type.Object(
  {
    name: Type.String(),
    permissions: Type.Optional(Type.Partial(PermissionsView)),
    hasSoftDelete: Type.Optional(Type.Boolean({ description: 'a delete marks a row; apps that were offline need it' })),
    idType: Type.Optional(IdTypeView),
  },
  { additionalProperties: false },
)
export type CreateTable = Static<typeof CreateTable>

export const SetPermissions = Type.Partial(PermissionsView, { additionalProperties: false })
export type SetPermissions = Static<typeof SetPermissions>

export const AddColumn = Type.Object({ type: Type.Enum([...COLUMN_TYPES]) }, { additionalProperties: false })

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

/** A row as the data plane answers it. */
export const RowView = Type.Record(Type.String(), Type.Unknown())
export type RowView = Static<typeof RowView>

/** Rows to be inserted, each by itself; one without an id is given one. */
export const InsertRows = Type.Object(
  { rows: Type.Array(RowView, { minItems: 1, maxItems: ROWS_AT_ONCE_MAX }) },
  { additionalProperties: false },
)
export type InsertRows = Static<typeof InsertRows>
/** `ids`: of each row in the order given, null where it was not inserted; why not is in `problems`. */
export const InsertedRowsView = Type.Object({
  ids: Type.Array(Nullable(Type.String())),
  problems: Type.Array(Type.Object({ index: Type.Integer(), message: Type.String() })),
})
export type InsertedRowsView = Static<typeof InsertedRowsView>

/** What is set; columns that are left out stay. */
export const UpdateRow = Type.Object(
  {
    row: RowView,
    version: Type.Optional(
      Type.String({
        description: '`__version` as it was read; refused when the row has changed since',
        maxLength: 200,
      }),
    ),
  },
  { additionalProperties: false },
)
export type UpdateRow = Static<typeof UpdateRow>

export const RestoreTable = Type.Object(
  {
    to: Type.String({ description: 'latest, a moment, or a backup', maxLength: 100 }),
    as: Type.Optional(Type.String({ description: 'a new table; default: its own rows are set back', maxLength: 100 })),
    ids: Type.Optional(Type.Array(Type.String({ maxLength: 255 }), { minItems: 1, maxItems: 1_000 })),
    isExact: Type.Optional(Type.Boolean({ description: 'rows that were inserted since are deleted' })),
    from: Type.Optional(
      Type.String({ description: 'whose backups; default: of the server that it is on', maxLength: 100 }),
    ),
    isDryRun: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)
export type RestoreTable = Static<typeof RestoreTable>
