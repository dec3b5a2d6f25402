// Who issues certificates for this cloud by itself (ACME, RFC 8555), in the management API.
import { type Static, Type } from 'typebox'
import { Nullable } from './parts.ts'

export const AcmeView = Type.Object({
  isOn: Type.Boolean(),
  directoryUrl: Nullable(Type.String()),
  contact: Nullable(Type.String()),
})
export type AcmeView = Static<typeof AcmeView>

export const SetAcme = Type.Object(
  {
    directoryUrl: Type.String({ maxLength: 500, description: 'of the authority' }),
    contact: Type.Optional(Type.String({ maxLength: 200, description: 'a mail address that it may write to' })),
    isTermsAgreed: Type.Optional(Type.Boolean({ description: 'its terms of service are agreed to' })),
  },
  { additionalProperties: false },
)
export type SetAcme = Static<typeof SetAcme>
