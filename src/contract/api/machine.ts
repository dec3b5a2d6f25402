// Machines in the management API: join tokens, the list, revocation.
import { type Static, Type } from 'typebox'
import { FaultView, Instant, Nullable } from './parts.ts'

export const JoinTokenRequest = Type.Object(
  {
    role: Type.Union([Type.Literal('host'), Type.Literal('gateway')]),
    /** The region of a host, the failure domain of a gateway. */
    domain: Type.String({ minLength: 1, maxLength: 60 }),
  },
  { additionalProperties: false },
)
export type JoinTokenRequest = Static<typeof JoinTokenRequest>

export const JoinTokenView = Type.Object({
  token: Type.String({ description: 'the word to carry to the other machine' }),
  role: Type.Union([Type.Literal('host'), Type.Literal('gateway')]),
  domain: Type.String(),
  machine: Nullable(Type.String({ description: 'only for a machine that joins again' })),
  expiresAt: Instant,
  controlUrl: Type.String({ description: 'what --control must say over there' }),
})
export type JoinTokenView = Static<typeof JoinTokenView>

export const MachineView = Type.Object({
  name: Type.String(),
  role: Type.String(),
  domain: Type.String(),
  address: Nullable(Type.String({ description: 'of its door, with the port; null before it was heard' })),
  release: Nullable(Type.String()),
  protocol: Nullable(Type.Integer()),
  certificateUntil: Nullable(Instant),
  lastSeenMs: Nullable(Type.Integer()),
  revokedAt: Nullable(Instant),
})
export type MachineView = Static<typeof MachineView>

export const RevokeRequest = Type.Object(
  { isDryRun: Type.Optional(Type.Boolean()), isForced: Type.Optional(Type.Boolean()) },
  { additionalProperties: false },
)
export type RevokeRequest = Static<typeof RevokeRequest>

export const RevocationView = Type.Object({
  machine: MachineView,
  isRevoked: Type.Boolean(),
  /** What it holds, which is lost with it unless it is moved first. */
  primaries: Type.Array(Type.String()),
  services: Type.Array(Type.String()),
  standbys: Type.Array(Type.String()),
  /** Why it is refused without force, and the command that moves what it holds; null when nothing stands against it. */
  refusal: Nullable(FaultView),
})
export type RevocationView = Static<typeof RevocationView>
