// Deploying a commit: what the service runs, its ref and the note of it, in one transaction. And deploying one again.
import type { Kysely, Transaction } from 'kysely'
import { audit } from '../accounts/audit.ts'
import type { Caller } from '../accounts/caller.ts'
import type { Seal } from '../accounts/seal.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import type { DeploymentKind } from '../contract/deployment.ts'
import { Fault } from '../kit/fault.ts'
import { bumpDesired } from '../regions/regions.ts'
import type { InstallModules } from '../services/npm-modules.ts'
import { lockServices, type Service } from '../services/services.ts'
import type { Refs } from './bare-repository.ts'
import { type CheckedCommit, type CommitPlace, checkCommit, type TryLoading } from './check-commit.ts'
import { findDeployed, getDeployment, insertDeployment } from './deployments.ts'
import { git } from './git.ts'
import { deployedRef, nestedProblems, type RefMove, staleLine } from './push-rules.ts'
import type { Repositories } from './repositories.ts'
import { getRepository, lockRepository, type Repository, readRefs, storePack, writeRef } from './repository-rows.ts'
import { applyWanted } from './service-state.ts'
import { writeCommit } from './write-commit.ts'

export type Trx = Transaction<ControlDatabase>
export type SourceDeps = {
  db: Kysely<ControlDatabase>
  repositories: Repositories
  install: InstallModules
  tryLoading: TryLoading
  seal: Seal
}
/** A deployment that is stored: its number, and from which version on machines know it. */
export type Stored = { number: number; desired: number; changes: string[] }

/** Makes the service run a commit that was checked, and notes it. The caller has the locks. */
export async function deploy(
  { trx, seal }: { trx: Trx; seal: Seal },
  caller: Caller,
  service: Service,
  checked: CheckedCommit,
  about: { kind: DeploymentKind; branch: string; log: string },
): Promise<Stored> {
  const { hash, author, message } = checked
  const changes = await applyWanted(trx, service, checked, { principal: caller.principal, seal })
  const number = await insertDeployment(trx, service.id, {
    ...{ ...about, is_deployed: true, hash, author, message, changes },
    principal: caller.principal,
  })
  const action = about.kind === 'push' ? 'git push' : `mobile deployment ${about.kind}`
  const after = { deployment: number, branch: about.branch, commit: hash }
  await audit(trx, caller, { action, subject: service.name, after })
  return { number, changes, desired: await bumpDesired(trx) }
}

/**
 * Deploys again what was deployed: the newest as it is, for `redeploy`, or the files of an earlier one as a new commit on
 * top, so that history tells of it. Without a number: the newest, or for `rollback` the one before it.
 */
export async function deployAgain(
  deps: SourceDeps,
  caller: Caller,
  service: Service,
  { action, number }: { action: 'redeploy' | 'rollback'; number?: number | undefined },
): Promise<Stored> {
  const repository = await getRepository(deps.db, service)
  const refs = await readRefs(deps.db, service.id)
  const ref = deployedRef(repository.branch)
  const head = refs.get(ref) ?? null
  const wanted = await chooseDeployment(deps, service, { action, number, head })
  return await deps.repositories.use(deps.db, { repository, refs }, async (place) => {
    const at: CommitPlace = { folder: place.folder, env: {} }
    const made =
      wanted.hash === head || head === null
        ? { hash: wanted.hash, pack: null }
        : await writeCommit(place, {
            branch: repository.branch,
            parent: head,
            tree: (await git(['rev-parse', `${wanted.hash}^{tree}`], at)).toString('latin1').trim(),
            changes: [],
            author: caller.principal,
            message: `Back to deployment ${wanted.number}: ${wanted.message}`,
            at: new Date(),
          })
    const checked = await checkCommit(deps, at, { serviceId: service.id, hash: made.hash, say: () => {} })
    if (checked.problems.length > 0) {
      throw new Fault('source.refused', 409, `deployment ${wanted.number} cannot run now: ${checked.problems[0]}`, {
        hint: 'Nothing was changed. Push what is right instead.',
      })
    }
    return await deps.db.transaction().execute(async (trx) => {
      const locked = await lockService(trx, service)
      await requireUnmoved(trx, locked, { moves: [{ ref, from: head, to: made.hash }], repository, refs })
      if (made.pack !== null) await storePack(trx, locked, made.pack)
      await writeRef(trx, locked.id, ref, made.hash)
      const about = { kind: action, branch: repository.branch, log: '' }
      return await deploy({ trx, seal: deps.seal }, caller, locked, checked, about)
    })
  })
}

// The one of that number; the newest; the newest of another commit than what runs.
async function chooseDeployment(
  deps: SourceDeps,
  service: Service,
  { action, number, head }: { action: string; number: number | undefined; head: string | null },
) {
  if (number !== undefined) {
    const found = await getDeployment(deps.db, service, number)
    if (found.is_deployed) return found
    throw new Fault('source.refused', 409, `deployment ${number} was refused, and its commit is not here`, {
      hint: 'Push what is right instead.',
    })
  }
  const found = await findDeployed(deps.db, service.id, { butNot: action === 'redeploy' ? null : head })
  if (found) return found
  const which = action === 'redeploy' ? 'deployment' : 'earlier deployment'
  throw new Fault('source.no_deployment', 404, `'${service.name}' has no ${which}`, {
    hint: `See which there are: mainstay mobile deployment list ${service.name}`,
  })
}

/**
 * Locks the repository and faults with `source.moved` unless it is as it was seen: of two pushes at once, and of a push
 * and an edit, one comes second. It is told, and nothing of it is taken.
 */
export async function requireUnmoved(
  trx: Trx,
  service: Service,
  seen: { moves: RefMove[]; repository: Repository; refs: Refs },
): Promise<void> {
  const repository = await lockRepository(trx, service.id)
  const refs = await readRefs(trx, service.id)
  const running = deployedRef(seen.repository.branch)
  const moved = seen.moves.find(({ ref, from }) => (refs.get(ref) ?? null) !== from)
  const hasRunningMoved = repository?.branch !== seen.repository.branch || refs.get(running) !== seen.refs.get(running)
  if (!moved && !hasRunningMoved && nestedProblems(seen.moves, refs).length === 0) return
  const name = (moved?.ref ?? running).split('/').slice(2).join('/')
  throw new Fault('source.moved', 409, staleLine(name))
}

/** Locks a service. Faults with `service.unknown` where it has ended. */
export async function lockService(trx: Trx, service: Service): Promise<Service> {
  const [locked] = await lockServices(trx, [service.id])
  if (locked) return locked
  throw new Fault('service.unknown', 404, `there is no mobile service '${service.name}' any more`)
}
