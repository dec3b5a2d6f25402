// Whether a commit can run: its files read and looked at, before anything is changed.
import type { Kysely } from 'kysely'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { SOURCE_ROOT } from '../contract/deployment.ts'
import { LOCK_FILE, PACKAGE_FILE } from '../contract/npm-modules.ts'
import { Fault } from '../kit/fault.ts'
import { type InstallModules, installModules } from '../services/npm-modules.ts'
import type { Service } from '../services/services.ts'
import { managedFiles, parseTree, type TreeEntry, treeProblems } from './commit-tree.ts'
import { git } from './git.ts'
import { nothingWanted, readFiles, type Wanted } from './service-files.ts'
import { type Modules, readKnown } from './service-state.ts'

/** Where a commit is looked for: a folder, and what a push has brought there and nobody has taken yet. */
export type CommitPlace = { folder: string; env: NodeJS.ProcessEnv }
/** Who wrote it, and what for. */
export type CommitWords = { author: string; message: string }
export type CheckedCommit = CommitWords & {
  hash: string
  wanted: Wanted
  modules: Modules
  problems: string[]
  notes: string[]
}
/** Tells whoever waits how it goes, a line at a time. */
export type Say = (line: string) => void
/** Loads the modules of a commit as the service would, without calling any. What it finds is in lines. */
export type TryLoading = (
  service: Service,
  commit: Pick<CheckedCommit, 'wanted' | 'modules'>,
) => Promise<Pick<CheckedCommit, 'problems' | 'notes'>>

/** Looks at the files of a commit that is only to be stored. Gives problems, a line each. */
export async function checkFiles(
  place: CommitPlace,
  hash: string,
): Promise<{ entries: TreeEntry[]; problems: string[] }> {
  const entries = parseTree(await git(['ls-tree', '-r', '-z', '-l', '--full-tree', hash], place))
  return { entries, problems: treeProblems(entries) }
}

/** Looks at a commit that is to run. */
export async function checkCommit(
  deps: { db: Kysely<ControlDatabase>; install: InstallModules },
  place: CommitPlace,
  { serviceId, hash, say }: { serviceId: string; hash: string; say: Say },
): Promise<CheckedCommit> {
  const words = await readWords(place, hash)
  const none: Modules = { hash: null, packageText: null, lockText: null }
  const tree = await checkFiles(place, hash)
  const managed = managedFiles(tree.entries)
  const first = [...tree.problems, ...managed.problems]
  if (first.length > 0) return { ...words, hash, wanted: nothingWanted(), modules: none, problems: first, notes: [] }
  const texts = await readTexts(place, managed.files)
  const read = readFiles(texts.texts, await readKnown(deps.db, serviceId))
  const problems = [...texts.problems, ...read.problems]
  // Last, since it takes longest: what cannot run anyway needs no modules.
  const installed = problems.length > 0 ? { modules: none, problems: [] } : await modulesOf(deps, read.wanted, say)
  return {
    ...{ ...words, hash, wanted: read.wanted, modules: installed.modules },
    ...{ problems: [...problems, ...installed.problems], notes: [...managed.notes, ...read.notes] },
  }
}

async function modulesOf(
  deps: { db: Kysely<ControlDatabase>; install: InstallModules },
  { scripts }: Wanted,
  say: Say,
): Promise<{ modules: Modules; problems: string[] }> {
  const packageText = scripts.get(PACKAGE_FILE) ?? null
  const lockText = scripts.get(LOCK_FILE) ?? null
  const modules = { hash: null, packageText, lockText }
  if (packageText === null) return { modules, problems: [] }
  say(`Installing what ${PACKAGE_FILE} asks for …`)
  try {
    const { hash, packages } = await installModules(deps, { packageText, lockText })
    if (packages.length > 0) say(`${packages.length} package(s)`)
    return { modules: { ...modules, hash }, problems: [] }
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    const hint = error.hint === undefined ? [] : [error.hint]
    return { modules, problems: [[`${SOURCE_ROOT}/${PACKAGE_FILE}: ${error.message}`, ...hint].join('\n')] }
  }
}

async function readWords(place: CommitPlace, hash: string): Promise<CommitWords> {
  const printed = await git(['log', '-1', '--no-color', '--format=%an <%ae>%n%B', hash, '--'], place)
  const [author = '', ...message] = printed.toString('utf8').replaceAll('\0', '').split('\n')
  return { author, message: message.join('\n').trim() }
}

async function readTexts(
  place: CommitPlace,
  files: TreeEntry[],
): Promise<{ texts: Map<string, string>; problems: string[] }> {
  const texts = new Map<string, string>()
  const problems: string[] = []
  const input = files.map(({ hash }) => `${hash}\n`).join('')
  const printed = files.length === 0 ? Buffer.alloc(0) : await git(['cat-file', '--batch'], { ...place, input })
  let at = 0
  for (const { path } of files) {
    // "<hash> blob <bytes>\n<the bytes>\n"
    const end = printed.indexOf('\n', at)
    const bytes = Number(printed.subarray(at, end).toString('latin1').split(' ')[2])
    const content = printed.subarray(end + 1, end + 1 + bytes)
    at = end + 1 + bytes + 1
    try {
      texts.set(path, new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content))
    } catch {
      problems.push(`${path}: it is no text in UTF-8`)
    }
  }
  return { texts, problems }
}
