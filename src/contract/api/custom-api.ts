// Custom APIs of a service in the management API.
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
