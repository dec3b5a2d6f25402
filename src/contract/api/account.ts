// Who may sign in and what they may do, in the management API: accounts of people, their sessions, and tokens.
import { type Static, Type } from 'typebox'
import { Instant, Nullable } from './parts.ts'

/** `reader` sees all but secrets; `operator` also changes; `owner` also says who else may, and what machines join. */
export const Role = Type.Union([Type.Literal('owner'), Type.Literal('operator'), Type.Literal('reader')])
export type Role = Static<typeof Role>

const ACCOUNT_NAME_LENGTH_MAX = 100

const AccountName = Type.String({ minLength: 1, maxLength: ACCOUNT_NAME_LENGTH_MAX })
// How long it has to be is said by control, in words.
const Password = Type.String({ maxLength: 1_000 })

export const AccountView = Type.Object({
  name: Type.String(),
  role: Role,
  /** `invited`: was not signed in yet. `password`; `oidc`: through an OpenID provider. */
  signInBy: Type.Union([Type.Literal('invited'), Type.Literal('password'), Type.Literal('oidc')]),
  createdAt: Instant,
  lastSeenAt: Nullable(Instant),
})
export type AccountView = Static<typeof AccountView>

export const InviteAccount = Type.Object({ name: AccountName, role: Role }, { additionalProperties: false })
export type InviteAccount = Static<typeof InviteAccount>

/** A link that works once: whoever opens it chooses the account's password. */
export const InvitationView = Type.Object({ name: Type.String(), role: Role, url: Type.String(), expiresAt: Instant })
export type InvitationView = Static<typeof InvitationView>

export const SetRole = Type.Object({ role: Role }, { additionalProperties: false })
export type SetRole = Static<typeof SetRole>

export const SignIn = Type.Object({ name: AccountName, password: Password }, { additionalProperties: false })
export type SignIn = Static<typeof SignIn>

/** `token` is what stands behind `#` in an invitation's link. */
export const AcceptInvitation = Type.Object(
  { token: Type.String({ maxLength: 200 }), password: Password },
  { additionalProperties: false },
)
export type AcceptInvitation = Static<typeof AcceptInvitation>

export const ChangePassword = Type.Object({ current: Password, wanted: Password }, { additionalProperties: false })
export type ChangePassword = Static<typeof ChangePassword>

/** Who is signed in. */
export const SessionView = Type.Object({ name: Type.String(), role: Role, expiresAt: Instant })
export type SessionView = Static<typeof SessionView>

/** What the page that signs people in has to know before anybody is. */
export const SignInView = Type.Object({
  /** What the OpenID provider is called on its button; null where there is none. */
  oidc: Nullable(Type.Object({ label: Type.String(), url: Type.String() })),
  release: Type.String(),
})
export type SignInView = Static<typeof SignInView>

export const TokenView = Type.Object({
  id: Type.String(),
  /** What it is for; changes that are made with it are noted under this name. */
  name: Type.String(),
  role: Role,
  createdAt: Instant,
  expiresAt: Nullable(Instant),
  lastUsedAt: Nullable(Instant),
})
export type TokenView = Static<typeof TokenView>

export const CreateToken = Type.Object(
  {
    name: AccountName,
    role: Role,
    days: Type.Optional(
      Nullable(Type.Integer({ minimum: 1, maximum: 3_650, description: 'default 90; null: until it is revoked' })),
    ),
  },
  { additionalProperties: false },
)
export type CreateToken = Static<typeof CreateToken>

/** The only time that a token itself is told. */
export const NewTokenView = Type.Object({ ...TokenView.properties, token: Type.String() })
export type NewTokenView = Static<typeof NewTokenView>

/** What has changed, as told by the stream of events. */
export const Topic = Type.Union([Type.Literal('status'), Type.Literal('services'), Type.Literal('operations')])
export type Topic = Static<typeof Topic>
