// App settings of a service in the management API.
import { type Static, Type } from 'typebox'
import { Nullable } from './parts.ts'

/** `value`: null for whoever may only look. */
export const AppSettingView = Type.Object({ name: Type.String(), value: Nullable(Type.String()) })
export type AppSettingView = Static<typeof AppSettingView>

/** Without `isNew` it replaces what is there. */
export const SetAppSetting = Type.Object(
  { value: Type.String(), isNew: Type.Optional(Type.Boolean({ description: 'refused when it is there already' })) },
  { additionalProperties: false },
)
export type SetAppSetting = Static<typeof SetAppSetting>
