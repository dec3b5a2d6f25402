// A push: looked at, checked, and then stored with all that comes of it at once, or refused with its reasons.
import { join } from 'node:path'
import { audit } from '../accounts/audit.ts'
import type { Caller } from '../accounts/caller.ts'
import { faultPoint } from '../kit/fault-points.ts'
import { SOURCE_PROBLEMS_SHOWN } from '../kit/limits.ts'
import type { Service } from '../services/services.ts'
import type { Refs } from './bare-repository.ts'
import { type CheckedCommit, type CommitPlace, checkCommit, checkFiles, type Say } from './check-commit.ts'
import { deploy, lockService, requireUnmoved, type SourceDeps, type Stored } from './deploy.ts'
import { insertDeployment } from './deployments.ts'
import { endedBySignal, git, tryGit } from './git.ts'
import { deployedRef, elsewhereLine, forcedLine, INCOMPLETE, planPush, type RefMove } from './push-rules.ts'
import type { Workplace } from './repositories.ts'
import {
  getRepository,
  lockRepository,
  type Repository,
  requireRoom,
  setBranch,
  storePack,
  writeRef,
} from './repository-rows.ts'
import { packIn } from './write-commit.ts'

/** A push as the hook of git tells it: `quarantine` is the folder of what it brought; null: it only deletes. */
export type Push = { moves: RefMove[]; quarantine: string | null }

/** Takes a push, or refuses it with a fault or with lines. What it deploys runs for machines that follow `desired`. */
export async function receivePush(
  deps: SourceDeps,
  { caller, service, place, refs }: { caller: Caller; service: Service; place: Workplace; refs: Refs },
  push: Push,
  say: Say,
): Promise<{ isTaken: boolean; stored: Stored | null }> {
  const repository = await getRepository(deps.db, service)
  const quarantined = { folder: place.folder, env: quarantineOf(place, push) }
  const plan = planPush(push.moves, { refs, branch: repository.branch })
  const problems =
    plan.problems.length > 0 ? plan.problems : await moveProblems(quarantined, push.moves, { plan, refs, repository })
  if (problems.length > 0) {
    tell(problems, say)
    return { isTaken: false, stored: null }
  }
  const { deploying } = plan
  const lines: string[] = []
  const sayAndKeep = (line: string) => {
    lines.push(line)
    say(line)
  }
  let checked: CheckedCommit | null = null
  if (deploying !== null) {
    say(`Checking ${deploying.to.slice(0, 10)} …`)
    checked = await checkCommit(deps, quarantined, { serviceId: service.id, hash: deploying.to, say })
    // Last: what cannot be compiled, or has no modules, cannot be loaded.
    if (checked.problems.length === 0) {
      const { problems, notes } = await deps.tryLoading(service, checked)
      checked = { ...checked, problems, notes: [...checked.notes, ...notes] }
    }
    for (const note of checked.notes) sayAndKeep(`note: ${note}`)
    if (checked.problems.length > 0) {
      tell(checked.problems, sayAndKeep)
      await noteRefused(deps, caller, service, { checked, branch: deploying.branch, log: lines.join('\n') })
      sayAndKeep(`Nothing was changed: '${service.name}' runs on as before.`)
      return { isTaken: false, stored: null }
    }
  }
  faultPoint('source.push.checked')
  const pack = push.quarantine === null ? null : await packIn(join(push.quarantine, 'pack'))
  const stored = await deps.db.transaction().execute(async (trx) => {
    const locked = await lockService(trx, service)
    await requireUnmoved(trx, locked, { moves: push.moves, repository, refs })
    if (pack !== null) {
      await requireRoom(trx, locked, pack)
      await storePack(trx, locked, pack)
    }
    for (const { ref, to } of push.moves) await writeRef(trx, locked.id, ref, to)
    faultPoint('source.push.storing')
    if (deploying === null || checked === null) {
      await audit(trx, caller, { action: 'git push', subject: service.name, after: push.moves })
      return null
    }
    await setBranch(trx, locked.id, deploying.branch)
    const about = { kind: 'push', branch: deploying.branch, log: lines.join('\n') } as const
    return await deploy({ trx, seal: deps.seal }, caller, locked, checked, about)
  })
  faultPoint('source.push.stored')
  return { isTaken: true, stored }
}

function quarantineOf(place: Workplace, { quarantine }: Push): NodeJS.ProcessEnv {
  if (quarantine === null) return {}
  return { GIT_OBJECT_DIRECTORY: quarantine, GIT_ALTERNATE_OBJECT_DIRECTORIES: join(place.folder, 'objects') }
}

// What git has to say of them: whether each goes on from where it was, and whether the files can be.
async function moveProblems(
  place: CommitPlace,
  moves: RefMove[],
  { plan, refs, repository }: { plan: ReturnType<typeof planPush>; refs: Refs; repository: Repository },
): Promise<string[]> {
  const running = refs.get(deployedRef(repository.branch)) ?? null
  if (!(await isWhole(place, moves))) return [INCOMPLETE]
  const problems: string[] = []
  for (const { ref, from, to } of moves) {
    if (to === null) continue
    const name = ref.split('/').slice(2).join('/')
    const type = (await git(['cat-file', '-t', to], place)).toString('latin1').trim()
    if (type !== 'commit' && !(type === 'tag' && ref.startsWith('refs/tags/'))) {
      problems.push(`${name} would be a ${type}, not a commit`)
      continue
    }
    if (from !== null && !(await isAncestor(place, from, to))) problems.push(forcedLine(name))
    else if (plan.deploying?.ref !== ref) problems.push(...(await checkFiles(place, to)).problems)
  }
  const { deploying } = plan
  if (problems.length === 0 && deploying && running !== null && !(await isAncestor(place, running, deploying.to))) {
    problems.push(elsewhereLine(deploying.branch, repository.branch))
  }
  return problems
}

// Git looks at that, too, but calls its hook all the same: a shallow clone may push commits whose parents are nowhere.
async function isWhole(place: CommitPlace, moves: RefMove[]): Promise<boolean> {
  const wanted = moves.flatMap(({ to }) => (to === null ? [] : [to]))
  if (wanted.length === 0) return true
  const { code } = await tryGit(['rev-list', '--objects', '--quiet', ...wanted, '--not', '--all'], place)
  if (code === null) throw endedBySignal('rev-list')
  return code === 0
}

async function isAncestor(place: CommitPlace, older: string, newer: string): Promise<boolean> {
  return (await tryGit(['merge-base', '--is-ancestor', older, newer], place)).code === 0
}

// Refused pushes are shown, too: whoever looks later finds out what was wrong.
async function noteRefused(
  deps: SourceDeps,
  caller: Caller,
  service: Service,
  { checked, branch, log }: { checked: CheckedCommit; branch: string; log: string },
): Promise<void> {
  const { hash, author, message } = checked
  await deps.db.transaction().execute(async (trx) => {
    if (!(await lockRepository(trx, service.id))) return
    const about = { kind: 'push', is_deployed: false, branch, hash, author, message, changes: [], log } as const
    await insertDeployment(trx, service.id, { ...about, changes: [], principal: caller.principal })
  })
}

function tell(problems: string[], say: Say): void {
  for (const problem of problems.slice(0, SOURCE_PROBLEMS_SHOWN)) say(`error: ${problem}`)
  const more = problems.length - SOURCE_PROBLEMS_SHOWN
  if (more > 0) say(`error: and ${more} more`)
}
