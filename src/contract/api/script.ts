// Scripts of a service in the management API.
import { type Static, Type } from 'typebox'
import { Instant, Nullable } from './parts.ts'

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

/** `lock`: of a package.json, the package-lock.json that was beside it. */
export const UploadScript = Type.Object(
  { text: Type.String(), lock: Type.Optional(Type.String()) },
  { additionalProperties: false },
)
export type UploadScript = Static<typeof UploadScript>

const NpmPackage = Type.Object({
  name: Type.String(),
  version: Type.String(),
  hasInstallScript: Type.Optional(Type.Boolean({ description: 'it wanted to run something then, and did not' })),
})
/** What is installed for the scripts of a service. A hash of null: it has no npm modules. */
export const NpmModulesView = Type.Object({
  hash: Nullable(Type.String({ description: 'SHA-256 over all of their files, hex' })),
  packages: Type.Array(NpmPackage),
})
export type NpmModulesView = Static<typeof NpmModulesView>

/** `version` null: that text was in force already. `isRunning` false: its home runs it when it can be reached again. */
export const ScriptWrittenView = Type.Object({
  name: Type.String(),
  version: Nullable(Type.Integer()),
  isRunning: Type.Boolean(),
  packages: Type.Optional(Type.Array(NpmPackage, { description: 'of a package.json: what was installed' })),
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
