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

const RoutePermissionsView = Type.Partial(
  Type.Object({ ...ApiPermissionsView.properties, '*': PermissionLevelView }, { additionalProperties: false }),
)
/** By routes as the script registers them: `title/:id`; `/` is the API itself, `*` any other. */
export const ApiRoutesView = Type.Record(Type.String(), RoutePermissionsView)

/** `script`: null while none was uploaded. */
export const CustomApiView = Type.Object({
  name: Type.String(),
  permissions: ApiPermissionsView,
  hasAdditionalPermissions: Type.Optional(Type.Boolean({ description: 'routes have permissions of their own' })),
  routes: Type.Optional(ApiRoutesView),
  script: Nullable(Type.Object({ version: Type.Integer(), bytes: Type.Integer() })),
  createdAt: Instant,
})
export type CustomApiView = Static<typeof CustomApiView>

export const CreateCustomApi = Type.Object(
  { name: Type.String({ maxLength: 100 }), permissions: Type.Optional(Type.Partial(ApiPermissionsView)) },
  { additionalProperties: false },
)
export type CreateCustomApi = Static<typeof CreateCustomApi>

/**
 * Methods, and those that are not named stay. Or `routes`, as the original's file of an API has them, in the place of all
 * that was said before. Methods of an API that has routes are only taken with `force`, and in the place of those.
 */
export const SetApiPermissions = Type.Object(
  {
    ...Type.Partial(ApiPermissionsView).properties,
    routes: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
    force: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)
export type SetApiPermissions = Static<typeof SetApiPermissions>
