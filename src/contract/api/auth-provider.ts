// Providers through which the users of a service sign in, in the management API.
import { type Static, Type } from 'typebox'
import { Nullable } from './parts.ts'

const Text = Type.String({ minLength: 1, maxLength: 2_048 })
const Texts = Type.Array(Type.String({ minLength: 1, maxLength: 255 }), { maxItems: 50 })

export const AuthProviderView = Type.Object({
  provider: Type.String({ description: 'the word of its URLs, as in /login/facebook' }),
  appId: Type.String(),
  secret: Nullable(Type.String({ description: 'null for a reader; empty where there is none' })),
  audiences: Type.Array(Type.String(), { description: 'other client ids whose tokens an app may bring' }),
  packageSid: Nullable(Type.String({ description: 'of a Windows app, for single sign-on' })),
  tenants: Nullable(Type.Array(Type.String(), { description: 'of aad: whose people come in' })),
  issuer: Nullable(Type.String({ description: 'of an OpenID Connect provider of its own' })),
  scope: Nullable(Type.String()),
  endpoint: Nullable(Type.String({ description: 'where it is reached instead' })),
  redirectUris: Type.Array(Type.String(), {
    description: 'what is entered there: of each of its hosts for old clients, and for later ones',
  }),
})
export type AuthProviderView = Static<typeof AuthProviderView>

/** What is left out stays as it is; an empty text, or an empty list, takes it away. A new one needs id and secret. */
export const SetAuthProvider = Type.Object(
  {
    appId: Type.Optional(Text),
    secret: Type.Optional(Text),
    audiences: Type.Optional(Texts),
    packageSid: Type.Optional(Type.String({ maxLength: 255 })),
    tenants: Type.Optional(Texts),
    issuer: Type.Optional(Text),
    scope: Type.Optional(Type.String({ maxLength: 1_000 })),
    endpoint: Type.Optional(Type.String({ maxLength: 2_048 })),
  },
  { additionalProperties: false },
)
export type SetAuthProvider = Static<typeof SetAuthProvider>
