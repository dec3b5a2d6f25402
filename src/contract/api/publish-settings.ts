// What the original's own tools sign in with: publish settings, and the client certificates in them.
import { type Static, Type } from 'typebox'
import { Role } from './account.ts'
import { Instant, Nullable } from './parts.ts'

/** The subscription as those tools know it. */
export const SubscriptionView = Type.Object({
  /** In the paths of their requests; nobody can guess it. */
  id: Type.String(),
  name: Type.String(),
  /** The management endpoint; null: it is off. */
  endpoint: Nullable(Type.String()),
})
export type SubscriptionView = Static<typeof SubscriptionView>

/** The certificate, in PEM, by which tools trust the management endpoint; null: it has a given one, or none. */
export const AuthorityView = Type.Object({ certificate: Nullable(Type.String()) })
export type AuthorityView = Static<typeof AuthorityView>

export const ManagementCertificateView = Type.Object({
  id: Type.String(),
  /** Changes that are made with it are noted under this name. */
  name: Type.String(),
  role: Role,
  /** SHA-256, hex. */
  fingerprint: Type.String(),
  issuedBy: Type.String(),
  createdAt: Instant,
  expiresAt: Instant,
  lastUsedAt: Nullable(Instant),
  revokedAt: Nullable(Instant),
})
export type ManagementCertificateView = Static<typeof ManagementCertificateView>

export const CreatePublishSettings = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 100 }),
    role: Role,
    days: Type.Optional(Type.Integer({ minimum: 1, maximum: 365, description: 'default 30' })),
  },
  { additionalProperties: false },
)
export type CreatePublishSettings = Static<typeof CreatePublishSettings>

/** The only time that the file is told: it holds a private key, which is kept nowhere here. */
export const PublishSettingsView = Type.Object({ ...ManagementCertificateView.properties, file: Type.String() })
export type PublishSettingsView = Static<typeof PublishSettingsView>
