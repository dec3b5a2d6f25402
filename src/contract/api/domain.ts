// Domains of services and their certificates in the management API.
import { type Static, Type } from 'typebox'
import { Instant, Nullable } from './parts.ts'

/** A file in base64 takes a third more than it has bytes. */
const FILE_LENGTH_MAX = 90_000

export const DomainView = Type.Object({
  name: Type.String(),
  isOwn: Type.Boolean({ description: 'one of the service’s own; false: the name that this cloud gives it' }),
  sslState: Nullable(Type.Literal('sniEnabled', { description: 'null: HTTPS is not enabled for it' })),
  thumbprint: Nullable(Type.String({ description: 'of the certificate that is shown for it' })),
  expiresAt: Nullable(Instant),
  isIssued: Type.Boolean({ description: 'its certificate is asked for and renewed by itself' }),
  issueProblem: Nullable(Type.String({ description: 'why the last try to have one issued failed' })),
  issueDueAt: Nullable(Instant),
})
export type DomainView = Static<typeof DomainView>

export const AddDomain = Type.Object({ name: Type.String({ maxLength: 300 }) }, { additionalProperties: false })
export type AddDomain = Static<typeof AddDomain>

export const EnableSsl = Type.Object(
  { thumbprint: Type.String({ maxLength: 100, description: 'of a certificate of the service' }) },
  { additionalProperties: false },
)
export type EnableSsl = Static<typeof EnableSsl>

export const CertificateView = Type.Object({
  thumbprint: Type.String({ description: 'SHA-1 of the certificate, upper-case hex' }),
  subjectName: Type.String(),
  issuer: Type.String(),
  hostNames: Type.Array(Type.String()),
  issueDate: Instant,
  expirationDate: Instant,
  isIssued: Type.Boolean({ description: 'by the authority that issues certificates for this cloud' }),
  domains: Type.Array(Type.String({ description: 'for which it is shown' })),
})
export type CertificateView = Static<typeof CertificateView>

const Password = Type.Optional(Type.String({ maxLength: 1_000 }))

/** A certificate with its private key. */
export const AddCertificate = Type.Union([
  Type.Object(
    { pfx: Type.String({ maxLength: FILE_LENGTH_MAX, description: 'PKCS #12 in base64' }), password: Password },
    { additionalProperties: false },
  ),
  Type.Object(
    {
      chain: Type.String({ maxLength: FILE_LENGTH_MAX, description: 'PEM, with those that issued it' }),
      key: Type.String({ maxLength: FILE_LENGTH_MAX, description: 'PEM' }),
      password: Password,
    },
    { additionalProperties: false },
  ),
])
export type AddCertificate = Static<typeof AddCertificate>
