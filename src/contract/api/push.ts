// Push notifications of a service in the management API. Secrets go in, and never come out.
import { type Static, Type } from 'typebox'
import { PUSH_PLATFORMS, PUSH_STATES } from '../push.ts'
import { Instant, Nullable } from './parts.ts'
import { PermissionLevelView } from './table.ts'

const Platform = Type.Enum([...PUSH_PLATFORMS])
const Text = (maxLength: number) => Type.Optional(Type.String({ minLength: 1, maxLength }))
const Closed = { additionalProperties: false }

/** `facts`: what may be shown of the credentials, by name; secrets as what tells them apart. */
export const PushPlatformView = Type.Object({
  platform: Platform,
  isSet: Type.Boolean(),
  facts: Type.Record(Type.String(), Type.String()),
  registrations: Nullable(Type.Integer()),
})
export type PushPlatformView = Static<typeof PushPlatformView>

/** `isKnown` false: the home of the service cannot be asked for its devices. */
export const PushView = Type.Object({
  permission: PermissionLevelView,
  platforms: Type.Array(PushPlatformView),
  isKnown: Type.Boolean(),
  hasScript: Type.Boolean(),
})
export type PushView = Static<typeof PushView>

/** What is left out stays as it is. `endpoint`: where the platform is instead of its own address; null: its own again. */
const endpoint = Type.Optional(Nullable(Type.String({ maxLength: 500 })))
export const SetPushPlatform = Type.Union([
  Type.Object({ packageSid: Text(500), clientSecret: Text(500), endpoint }, Closed),
  Type.Object(
    {
      keyId: Text(20),
      teamId: Text(20),
      key: Text(10_000),
      topic: Text(255),
      mode: Type.Optional(Type.Union([Type.Literal('sandbox'), Type.Literal('production')])),
      endpoint,
    },
    Closed,
  ),
  Type.Object({ serviceAccount: Text(20_000), endpoint }, Closed),
  Type.Object(
    {
      subject: Text(500),
      publicKey: Text(200),
      privateKey: Text(200),
      isRenewed: Type.Optional(Type.Boolean({ description: 'new keys: browsers have to subscribe again' })),
      endpoint,
    },
    Closed,
  ),
])
export type SetPushPlatform = Static<typeof SetPushPlatform>

export const SetPushPermission = Type.Object({ permission: PermissionLevelView }, Closed)
export type SetPushPermission = Static<typeof SetPushPermission>

export const PushSendView = Type.Object({
  id: Type.String(),
  platform: Platform,
  kind: Type.Union([Type.Literal('native'), Type.Literal('template')]),
  tags: Nullable(Type.String()),
  state: Type.Enum([...PUSH_STATES]),
  createdAt: Instant,
  finishedAt: Nullable(Instant),
  total: Type.Integer(),
  sent: Type.Integer(),
  failed: Type.Integer(),
  dead: Type.Integer(),
  problem: Nullable(Type.String()),
})
export type PushSendView = Static<typeof PushSendView>
