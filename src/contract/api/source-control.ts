// Source control of services in the management API: preview features, deployments, and who may push with a password.
import { type Static, Type } from 'typebox'
import { DEPLOYMENT_KINDS } from '../deployment.ts'
import { Instant, Nullable } from './parts.ts'

/** `url`: where git finds it; null while it is off. */
export const PreviewView = Type.Object({
  name: Type.String(),
  isEnabled: Type.Boolean(),
  url: Nullable(Type.String()),
})
export type PreviewView = Static<typeof PreviewView>

export const DeploymentView = Type.Object({
  number: Type.Integer(),
  kind: Type.Enum([...DEPLOYMENT_KINDS]),
  /** `refused`: nothing was changed, and its commit is not here. */
  state: Type.Union([Type.Literal('deployed'), Type.Literal('refused')]),
  branch: Type.String(),
  commit: Type.String(),
  author: Type.String(),
  message: Type.String(),
  principal: Type.String(),
  changes: Type.Array(Type.String()),
  log: Type.String(),
  createdAt: Instant,
})
export type DeploymentView = Static<typeof DeploymentView>

/** `number`: default: the newest that was deployed, to redeploy; the one before it, to roll back to. */
export const Deploy = Type.Object(
  {
    action: Type.Union([Type.Literal('redeploy'), Type.Literal('rollback')]),
    number: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000_000 })),
  },
  { additionalProperties: false },
)
export type Deploy = Static<typeof Deploy>

/** `isRunning`: false while the service's home cannot be reached: it runs it when it is back. */
export const DeployedView = Type.Object({ deployment: DeploymentView, isRunning: Type.Boolean() })
export type DeployedView = Static<typeof DeployedView>

export const DeploymentUserView = Type.Object({
  name: Type.String(),
  principal: Type.String({ description: 'who set its password' }),
  createdAt: Instant,
  lastUsedAt: Nullable(Instant),
})
export type DeploymentUserView = Static<typeof DeploymentUserView>

export const SetDeploymentUser = Type.Object(
  { password: Type.String({ maxLength: 1_000 }) },
  { additionalProperties: false },
)
export type SetDeploymentUser = Static<typeof SetDeploymentUser>
