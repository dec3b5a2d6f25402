// Database servers in the management API.
import { type Static, Type } from 'typebox'
import { Instant, Nullable } from './parts.ts'

export const ServerView = Type.Object({
  name: Type.String(),
  region: Type.String({ description: 'where its primary is' }),
  epoch: Type.Integer(),
  protection: Type.Union([Type.Literal('none'), Type.Literal('async')]),
  services: Type.Array(Type.String()),
  members: Type.Array(
    Type.Object({
      machine: Type.String(),
      region: Type.String(),
      role: Type.Union([Type.Literal('primary'), Type.Literal('standby'), Type.Literal('quarantined')]),
      /** What the machine last reported; `unknown` before it ever did. */
      state: Type.String(),
      problem: Nullable(Type.String()),
      epoch: Type.Integer(),
      lsn: Nullable(Type.String()),
      lagBytes: Nullable(Type.Integer()),
      lagMs: Nullable(Type.Integer()),
      lease: Type.String({ description: 'free, held 120 ms ago, lost' }),
      /** `building`, `streaming`, `ready` (promotable), `released`; null for others than a standby. */
      standing: Nullable(Type.String()),
      lastContactAt: Nullable(Instant),
      dataBytes: Nullable(Type.Integer()),
      quarantine: Nullable(
        Type.Object({
          forkLsn: Nullable(Type.String()),
          endLsn: Nullable(Type.String()),
          keptBytes: Type.Integer(),
          folder: Type.String(),
        }),
      ),
    }),
  ),
})
export type ServerView = Static<typeof ServerView>
