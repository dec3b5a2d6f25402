// Commits of our own: what there was when source control was enabled, and what people change by CLI, portal or API.
import { sql } from 'kysely'
import { audit } from '../accounts/audit.ts'
import type { Caller } from '../accounts/caller.ts'
import { DEPLOYED_BRANCHES } from '../contract/deployment.ts'
import type { Service } from '../services/services.ts'
import { lockService, type SourceDeps, type Trx } from './deploy.ts'
import { insertDeployment } from './deployments.ts'
import { deployedRef } from './push-rules.ts'
import { getRepository, insertRepository, lockRepository, readRefs, storePack, writeRef } from './repository-rows.ts'
import { changesBetween, type FileChange, readStateFiles } from './service-state.ts'
import { writeCommit } from './write-commit.ts'

/** Makes the repository of a service, with what it runs now as the first commit. Enabled already is fine. */
export async function enableSourceControl(deps: SourceDeps, caller: Caller, service: Service): Promise<void> {
  await deps.db.transaction().execute(async (trx) => {
    const locked = await lockService(trx, service)
    if (await lockRepository(trx, locked.id)) return
    const [branch] = DEPLOYED_BRANCHES
    await insertRepository(trx, locked.id, branch)
    await audit(trx, caller, { action: 'mobile preview enable', subject: locked.name, after: { branch } })
    const files = await readStateFiles(trx, locked.id, deps.seal)
    // A service that has nothing takes the history that a team brings.
    if (files.size === 0) return
    const changes = await changesBetween(trx, new Map(), files)
    const words = { author: caller.principal, message: `What '${locked.name}' ran when source control was enabled` }
    await commit(deps, trx, locked, { kind: 'first', principal: caller.principal, changes, ...words })
  })
}

/**
 * Lets git read, before a transaction is opened in which something is `recorded`, what it does not know yet: that may take
 * longer than a transaction may stand still. What fails here is tried again there, if it is needed at all.
 */
export async function readyToRecord({ db, repositories }: SourceDeps, service: { id: string }): Promise<void> {
  const own = db.selectFrom('source_repositories').select('branch').where('service_id', '=', service.id)
  const read = async () => void ((await own.executeTakeFirst()) && (await repositories.bringUpToDate(db, service.id)))
  await read().catch(() => {})
}

/**
 * Carries out a change that people make elsewhere. What comes of it for the files of a repository is a commit of the
 * same transaction, in the words of the audit: there is no moment at which the two say different things.
 */
export async function recorded<T>(deps: SourceDeps, trx: Trx, service: Service, change: () => Promise<T>): Promise<T> {
  const own = trx.selectFrom('source_repositories').select('branch').where('service_id', '=', service.id)
  if (!(await own.executeTakeFirst())) return await change()
  // First the service, as everywhere: two that want both never wait for each other.
  const locked = await lockService(trx, service)
  await lockRepository(trx, service.id)
  const before = await readStateFiles(trx, service.id, deps.seal)
  const result = await change()
  const changes = await changesBetween(trx, before, await readStateFiles(trx, service.id, deps.seal))
  if (changes.length === 0) return result
  const { principal, action, subject } = await lastAudited(trx)
  const words = { author: principal, message: `${action} ${subject}` }
  await commit(deps, trx, locked, { kind: 'edit', principal, changes, ...words })
  return result
}

// On top of what the deployed branch is; the caller has the locks.
async function commit(
  deps: SourceDeps,
  trx: Trx,
  service: Service,
  wanted: { kind: 'first' | 'edit'; principal: string; author: string; message: string; changes: FileChange[] },
): Promise<void> {
  const repository = await getRepository(trx, service)
  const refs = await readRefs(trx, service.id)
  const ref = deployedRef(repository.branch)
  const { kind, principal, author, message, changes } = wanted
  await deps.repositories.use(trx, { repository, refs }, async (place) => {
    const { branch } = repository
    const own = { branch, parent: refs.get(ref) ?? null, tree: null, changes, author, message, at: new Date() }
    const { hash, pack } = await writeCommit(place, own)
    if (pack !== null) await storePack(trx, service, pack)
    await writeRef(trx, service.id, ref, hash)
    const paths = changes.map(({ path, text }) => (text === null ? `${path} is gone` : path))
    const made = { kind, is_deployed: true, branch, hash, principal, author, message, changes: paths, log: '' }
    await insertDeployment(trx, service.id, made)
  })
}

// Of this transaction: who did what is written there already.
async function lastAudited(trx: Trx): Promise<{ principal: string; action: string; subject: string }> {
  const newest = trx.selectFrom('audit').select(['principal', 'action', 'subject']).orderBy('id', 'desc')
  const own = newest.where(sql<boolean>`xmin = pg_current_xact_id()::xid`).limit(1)
  return (await own.executeTakeFirst()) ?? { principal: 'mainstay', action: 'change', subject: '' }
}
