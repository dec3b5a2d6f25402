// What a push may do to branches and tags. Pure.
import { DEPLOYED_BRANCHES } from '../contract/deployment.ts'
import { SOURCE_REF_BYTES_MAX, SOURCE_REFS_MAX } from '../kit/limits.ts'
import type { Refs } from './bare-repository.ts'

/** A branch or tag that is to go from one commit to another; null: not there. */
export type RefMove = { ref: string; from: string | null; to: string | null }

const NOTHING = /^0+$/
const REF = /^refs\/(heads|tags)\/.+$/
// What `git check-ref-format` lets nobody write. The last: bytes that are no UTF-8 are read as that.
const FORBIDDEN = /\.\.|@\{|[\u0000-\u0020\u007f~^:?*[\\\ufffd]/

/** Reads a line of the hook: `OLD NEW REF`. */
export function parseMove(line: string): RefMove {
  const [from = '', to = '', ...ref] = line.split(' ')
  return { ref: ref.join(' '), from: NOTHING.test(from) ? null : from, to: NOTHING.test(to) ? null : to }
}

/** Whose commits run. */
export function deployedRef(branch: string): string {
  return `refs/heads/${branch}`
}

/** Which of the moves deploys, if any, and why the push is refused, a line for each reason. */
export function planPush(
  moves: RefMove[],
  { refs, branch }: { refs: Refs; branch: string },
): { deploying: (RefMove & { to: string; branch: string }) | null; problems: string[] } {
  const problems = moves.flatMap((move) => problemOf(move, { refs, branch }))
  if (problems.length === 0) problems.push(...nestedProblems(moves, refs))
  if (new Set(moves.map(({ ref }) => ref)).size < moves.length) problems.push('a branch or tag is named twice')
  const added = moves.filter(({ ref, to }) => to !== null && !refs.has(ref)).length
  if (refs.size + added > SOURCE_REFS_MAX)
    problems.push(`there would be more than ${SOURCE_REFS_MAX} branches and tags`)
  const deploying = moves.flatMap((move) => {
    const own = DEPLOYED_BRANCHES.find((name) => deployedRef(name) === move.ref)
    return own === undefined || move.to === null ? [] : [{ ...move, to: move.to, branch: own }]
  })
  const [first = null, second] = deploying
  if (first && second && first.to !== second.to) {
    problems.push(`${first.branch} and ${second.branch} cannot be deployed at once; push one of them`)
  }
  return { deploying: first, problems }
}

function problemOf({ ref, from, to }: RefMove, { refs, branch }: { refs: Refs; branch: string }): string[] {
  const [, kind] = REF.exec(ref) ?? []
  if (kind === undefined) return [`${ref} is neither a branch nor a tag`]
  const name = shortName(ref)
  if ((refs.get(ref) ?? null) !== from) return [staleLine(name)]
  if (to !== null && !isRefName(name)) {
    return [`${JSON.stringify(name.slice(0, SOURCE_REF_BYTES_MAX))} cannot be the name of a branch or tag`]
  }
  if (to === null && ref === deployedRef(branch)) return [`${name} is what runs; it cannot be deleted`]
  if (kind === 'tags' && from !== null && to !== null)
    return [`the tag ${name} is there already, and tags stay as they are`]
  return []
}

// The rules of `git check-ref-format --branch`. Git itself looks only after its hook has said yes, and then takes nothing.
function isRefName(name: string): boolean {
  if (FORBIDDEN.test(name) || name.startsWith('-') || name.endsWith('.')) return false
  if (Buffer.byteLength(name) > SOURCE_REF_BYTES_MAX) return false
  return name.split('/').every((part) => part !== '' && !part.startsWith('.') && !part.endsWith('.lock'))
}

/**
 * Why added branches and tags cannot be beside others, a line each. For git a name is a path: `feature` cannot be a branch
 * and what `feature/x` lies in. What goes in the same push counts as there: git makes no promise about the order. So do
 * the branches that run, of which a change made elsewhere may be the first commit.
 */
export function nestedProblems(moves: RefMove[], refs: Refs): string[] {
  const added = new Set(moves.filter(({ ref, to }) => to !== null && !refs.has(ref)).map(({ ref }) => ref))
  if (added.size === 0) return []
  const names = new Set([...refs.keys(), ...DEPLOYED_BRANCHES.map(deployedRef), ...added])
  return [...names].flatMap((name) =>
    foldersOf(name)
      .filter((folder) => names.has(folder) && (added.has(name) || added.has(folder)))
      .map((folder) => `${shortName(name)} lies in ${shortName(folder)}, and git keeps only one of them`),
  )
}

function foldersOf(ref: string): string[] {
  const parts = ref.split('/')
  return parts.slice(3).map((_, at) => parts.slice(0, at + 3).join('/'))
}

function shortName(ref: string): string {
  return ref.split('/').slice(2).join('/')
}

/** What whoever comes second is told. */
export function staleLine(name: string): string {
  return `${name} has moved meanwhile: git pull, and push again`
}

/** What is told of a push that does not bring all that its commits are made of. */
export const INCOMPLETE =
  'commits lead to others that are neither here nor in the push; where the clone is shallow: git fetch --unshallow'

/** What is told of a push that would lose commits. */
export function forcedLine(name: string): string {
  return `${name} would lose commits, and history is never rewritten here: git pull, and push again without force`
}

/** What is told of a push to one of master and main that does not go on from what runs. */
export function elsewhereLine(name: string, running: string): string {
  return (
    `${name} does not go on from ${running}, which runs now: merge it first ` +
    `(git pull --allow-unrelated-histories REMOTE ${running}; with -s ours to keep only what is yours)`
  )
}
