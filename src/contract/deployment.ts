// Deployments of a service's repository: where they come from, and which branches are deployed.

/** `push`: of git. `edit`: a change by CLI, portal or API became a commit. `first`: what there was when it was enabled. */
export const DEPLOYMENT_KINDS = ['first', 'push', 'edit', 'redeploy', 'rollback'] as const
export type DeploymentKind = (typeof DEPLOYMENT_KINDS)[number]

/** The branches whose commits run. The other of the two is stored like any. */
export const DEPLOYED_BRANCHES = ['master', 'main'] as const

/** The preview feature of the original, by the name that it had. */
export const SOURCE_CONTROL = 'SourceControl'

/** Below it lies what a service runs. */
export const SOURCE_ROOT = 'service'

/** Where git finds the repository of a service: as long as control answers there, whatever becomes of regions. */
export function repositoryUrlOf(portalUrl: string, service: string): string {
  return `${portalUrl}/${service}.git`
}
