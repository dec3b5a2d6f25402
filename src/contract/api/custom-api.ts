// Custom APIs and app settings of a service in the management API.
import { type Static, Type } from 'typebox'
import { Instant, Nullable } from './parts.ts'
import { PermissionLevelView } from './table.ts'

export const ApiPermissionsView = Type.Object(
  {
    get: PermissionLevelView,
    put: PermissionLevelView,
    post: PermissionLevelView,
    patch: PermissionLevelView,
    delete: PermissionLevelView,
  },
  { additionalProperties: false },
)

/** `script`: null while none was uploaded. */
export const CustomApiView = Type.Object({
  name: Type.String(),
  permissions: ApiPermissionsView,
  script: Nullable(Type.Object({ version: Type.Integer(), bytes: Type.Integer() })),
  createdAt: Instant,
})
export type CustomApiView = Static<typeof CustomApiView>

export const CreateCustomApi = Type.Object(
  { name: Type.String({ maxLength: 100 }), permissions: Type.Optional(Type.Partial(ApiPermissionsView)) },
  { additionalProperties: false },
)
export type CreateCustomApi = Static<typeof CreateCustomApi>

export const SetApiPermissions = Type.Partial(ApiPermissionsView, { additionalProperties: false })
export type SetApiPermissions = Static<typeof SetApiPermissions>

/** `value`: null for whoever may only look. */
export const AppSettingView = Type.Object({ name: Type.String(), value: Nullable(Type.String()) })
export type AppSettingView = Static<typeof AppSettingView>

/** Without `isNew` it replaces what is there. */
export const SetAppSetting = Type.Object(
  { value: Type.String(), isNew: Type.Optional(Type.Boolean({ description: 'refused when it is there already' })) },
  { additionalProperties: false },
)
export type SetAppSetting = Static<typeof SetAppSetting>

/** What a change came to. `isRunning` false: its home knows it when it can be reached again. */
export const StoredChangeView = Type.Object({ isRunning: Type.Boolean() })
export type StoredChangeView = Static<typeof StoredChangeView>
