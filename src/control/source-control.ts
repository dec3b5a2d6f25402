// Source control of services through the management API and over git: enabled, shown, pushed to, deployed again.
import type { KnownCaller } from '../accounts/caller.ts'
import type { Deploy, DeployedView, DeploymentView, PreviewView } from '../contract/api.ts'
import { repositoryUrlOf, SOURCE_CONTROL } from '../contract/deployment.ts'
import { Fault } from '../kit/fault.ts'
import type { Log } from '../kit/log.ts'
import { getService, type Service } from '../services/services.ts'
import type { Refs } from '../source/bare-repository.ts'
import type { Say } from '../source/check-commit.ts'
import { enableSourceControl } from '../source/commits.ts'
import { deployAgain } from '../source/deploy.ts'
import { getDeployment, listDeployments, viewDeployment } from '../source/deployments.ts'
import { type Push, receivePush } from '../source/receive-push.ts'
import type { Workplace } from '../source/repositories.ts'
import { getRepository, listRepositories } from '../source/repository-rows.ts'
import type { ApiDeps } from './compose.ts'
import { isRunningNow } from './stored-change.ts'

type Deps = Omit<ApiDeps, 'callerOf' | 'sessionOf'>

/** Of the original, and not here: what there is instead. */
const INSTEAD: Record<string, string> = {
  users: 'Scripts ask user.getIdentities() for what the provider told at the sign-in.',
}

/** The preview features of a service, by the names of the original. */
export async function viewPreviews(deps: Deps, caller: KnownCaller, name: string): Promise<PreviewView[]> {
  const service = await getService(deps.db, caller.subscriptionId, name)
  const isEnabled = (await listRepositories(deps.db, [service.id])).length > 0
  const url = isEnabled ? repositoryUrlOf(deps.portal.url, service.name) : null
  return [{ name: SOURCE_CONTROL, isEnabled, url }]
}

/** Enables one; enabled already is fine. Faults with `preview.unknown`. */
export async function enablePreview(
  deps: Deps,
  caller: KnownCaller,
  names: { service: string; preview: string },
): Promise<PreviewView> {
  if (names.preview.toLowerCase() !== SOURCE_CONTROL.toLowerCase()) {
    throw new Fault('preview.unknown', 400, `there is no preview feature '${names.preview}'`, {
      hint: INSTEAD[names.preview.toLowerCase()] ?? `There is one: ${SOURCE_CONTROL}`,
    })
  }
  const service = await getService(deps.db, caller.subscriptionId, names.service)
  await enableSourceControl(deps.source, caller, service)
  const [view] = await viewPreviews(deps, caller, service.name)
  return view as PreviewView
}

/** The newest deployments first. Faults with `source.off`. */
export async function viewDeployments(deps: Deps, caller: KnownCaller, name: string): Promise<DeploymentView[]> {
  const service = await getService(deps.db, caller.subscriptionId, name)
  await getRepository(deps.db, service)
  return (await listDeployments(deps.db, service.id)).map(viewDeployment)
}

/** One of them. Faults with `source.no_deployment`. */
export async function viewOneDeployment(
  deps: Deps,
  caller: KnownCaller,
  names: { service: string; deployment: number },
): Promise<DeploymentView> {
  const service = await getService(deps.db, caller.subscriptionId, names.service)
  return viewDeployment(await getDeployment(deps.db, service, names.deployment))
}

/** Deploys again what was deployed. */
export async function redeploy(deps: Deps, caller: KnownCaller, name: string, wanted: Deploy): Promise<DeployedView> {
  const service = await getService(deps.db, caller.subscriptionId, name)
  const stored = await deployAgain(deps.source, caller, service, wanted)
  await deps.field.push()
  const isRunning = await isRunningNow(deps, service, stored.desired)
  return { deployment: viewDeployment(await getDeployment(deps.db, service, stored.number)), isRunning }
}

/** Says whether a push is taken, and how it goes, to whoever pushes. */
export async function decidePush(
  deps: Deps & { log: Log },
  about: { caller: KnownCaller; service: Service; place: Workplace; refs: Refs },
  push: Push,
  say: Say,
): Promise<boolean> {
  try {
    const { isTaken, stored } = await receivePush(deps.source, about, push, say)
    if (stored) await follow(deps, about.service, stored, say)
    return isTaken
  } catch (error) {
    const isOurs = !(error instanceof Fault) || error.status === 500
    if (isOurs) deps.log.error({ err: error, service: about.service.name }, 'a push failed')
    if (!(error instanceof Fault)) {
      say('error: Something went wrong; it is logged. Nothing was changed.')
      return false
    }
    say(`error: ${error.message}`)
    if (error.hint !== undefined) say(error.hint)
    return false
  }
}

// It is stored: what cannot be followed now is told, and is no refusal.
async function follow(
  deps: Deps,
  service: Service,
  { number, desired, changes }: { number: number; desired: number; changes: string[] },
  say: Say,
): Promise<void> {
  const count = changes.length === 0 ? 'nothing that runs has changed' : `${changes.length} change(s)`
  say(`Deployment ${number} of '${service.name}': ${count}`)
  try {
    await deps.field.push()
    const isRunning = await isRunningNow(deps, service, desired)
    say(
      isRunning
        ? `It runs on ${service.machine}.`
        : `${service.machine} cannot be reached now; it runs there when it can.`,
    )
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    say(`It is stored, and goes on by itself: ${error.message}`)
  }
}
