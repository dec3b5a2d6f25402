// The border around a sandbox, as the command line that starts it. Pure: what is there comes in, words come out.
import {
  NPM_HEAP_MB,
  NPM_OPEN_FILES_MAX,
  SANDBOX_DATA_BYTES_MAX,
  SANDBOX_FILES_MAX,
  SANDBOX_HEAP_MB,
  SANDBOX_THREADS_MAX,
  SANDBOX_YOUNG_MB,
} from '../kit/limits.ts'
import type { Sight } from './messages.ts'

/** `reduced`: only Node's own permissions, a user of its own where we are root, and limits. */
export type BorderLevel = 'full' | 'reduced'
export const TOOLS = ['sh', 'setpriv', 'unshare', 'mount', 'prlimit'] as const
export type Tools = Partial<Record<(typeof TOOLS)[number], string>>

export type BorderFacts = {
  isRoot: boolean
  tools: Tools
  /** Node's program, as it is found outside. */
  node: string
  /** The folder that becomes the root folder inside, and the list of what is mounted in it. */
  root: string
  mounts: string
}
export type Command = { file: string; args: string[] }

/**
 * What is run inside, what it may write, and how much it may have. `looksAround`: where nothing can be mounted, it reads
 * what its user may: npm asks for the folders above those that it works in.
 */
export type Program = {
  entry: string
  writable: string | null
  heapMb: number
  filesMax: number
  looksAround: boolean
}

/** Where things are, seen from inside. */
export const NODE_INSIDE = '/node'
export const CODE_INSIDE = '/code'
/** Runs scripts. */
export const SCRIPTS_PROGRAM: Program = {
  ...{ entry: 'main.mjs', writable: null, looksAround: false },
  ...{ heapMb: SANDBOX_HEAP_MB, filesMax: SANDBOX_FILES_MAX },
}
/** Where npm works, seen from inside. */
export const WORK_INSIDE = '/work'
/** Installs npm modules. */
export const NPM_PROGRAM: Program = {
  ...{ entry: 'install-main.mjs', writable: WORK_INSIDE, looksAround: true },
  ...{ heapMb: NPM_HEAP_MB, filesMax: NPM_OPEN_FILES_MAX },
}
/** Users of sandboxes: above all that systems give to people, services and containers, and below 2^31. */
const FIRST_USER = 2_000_000_000
const USERS = 2 ** 24
/** Inside a user namespace, where nobody else is. */
const USER_INSIDE = 65_532

// Process 1 stays the shell: it dies with the one that started it (`--kill-child`), and with it everything inside. Node
// itself cannot be tied so, since a change of user unties it. `exit` keeps the shell from becoming the last command.
const SETUP = '"$1" --all --fstab "$2" && shift 2 && "$@"; exit $?'

/** The user id of a sandbox where we are root; `number` is anything. Two that share one are divided by the other layers. */
export function sandboxUser(number: number): number {
  return FIRST_USER + (number % USERS)
}

/**
 * What the kernel can be asked for with the tools at hand; null when something is missing. `bareEntry` is run instead of
 * the sandbox and without Node's own permissions, which shows what the kernel's border holds by itself. `readable`: folders
 * of this machine that it may read where nothing can be mounted.
 */
export function commandOf(
  level: BorderLevel,
  facts: BorderFacts,
  options: { user: number; bareEntry?: string[]; program?: Program; readable?: string[] },
): Command | null {
  const { user, bareEntry, program = SCRIPTS_PROGRAM, readable = [] } = options
  const { entry, writable } = program
  const heap = [`--max-old-space-size=${program.heapMb}`, `--max-semi-space-size=${SANDBOX_YOUNG_MB}`]
  if (level === 'reduced') {
    const code = `${facts.root}${CODE_INSIDE}`
    const work = writable === null ? [] : [`${facts.root}${writable}`]
    const folders = program.looksAround ? [''] : [code, ...readable]
    const reads = folders.map((path) => `--allow-fs-read=${path}/*`)
    const writes = work.map((path) => `--allow-fs-write=${path}/*`)
    const permitted = ['--permission', ...reads, ...writes, `${code}/${entry}`]
    return chain(reducedWords(facts, { user, program }), [facts.node, ...heap, ...(bareEntry ?? permitted)])
  }
  const { sh, setpriv, unshare, mount, prlimit } = facts.tools
  if (!sh || !setpriv || !unshare || !mount || !prlimit) return null
  const writes = writable === null ? [] : [`--allow-fs-write=${writable}/*`]
  const permitted = ['--permission', '--allow-fs-read=*', ...writes, `${CODE_INSIDE}/${entry}`]
  const userNamespace = facts.isRoot ? [] : ['--user', '--map-root-user']
  return chain(
    [
      ...[setpriv, '--pdeathsig', 'KILL'],
      ...[unshare, ...userNamespace, '--mount', '--pid', '--net', '--ipc', '--uts', '--fork', '--kill-child=KILL'],
      ...[sh, '-c', SETUP, 'sandbox', mount, facts.mounts],
      ...limitWords(prlimit, program),
      ...(facts.isRoot ? enterAsRoot(facts, user) : enterAsUser(facts)),
    ],
    [NODE_INSIDE, ...heap, ...(bareEntry ?? permitted)],
  )
}

/** True when what a sandbox sees is no more than what was put there. */
export function isConfined(sight: Sight, facts: { pidOutside: number; entries: string[] }): boolean {
  const isAlone = sight.interfaces === 0 && sight.pid !== facts.pidOutside
  return isAlone && sight.rootEntries.length > 0 && sight.rootEntries.every((entry) => facts.entries.includes(entry))
}

// Everything but what the last step needs is given up before it, and that goes with the change of user.
function enterAsRoot({ tools, root }: BorderFacts, user: number): string[] {
  const kept = '--bounding-set=-all,+sys_chroot,+setuid,+setgid'
  return [
    ...[tools.setpriv ?? '', '--no-new-privs', '--inh-caps=-all', kept],
    ...[tools.unshare ?? '', `--root=${root}`, '--wd=/', `--setgid=${user}`, `--setuid=${user}`],
  ]
}

// A second user namespace: in the first we are its root and could undo what was mounted. Below a changed root folder
// the kernel refuses to make a third.
function enterAsUser({ tools, root }: BorderFacts): string[] {
  const map = [`--map-user=${USER_INSIDE}`, `--map-group=${USER_INSIDE}`]
  return [
    ...[tools.setpriv ?? '', '--no-new-privs', '--inh-caps=-all'],
    ...[tools.unshare ?? '', '--user', ...map, `--root=${root}`, '--wd=/'],
  ]
}

function reducedWords(facts: BorderFacts, { user, program }: { user: number; program: Program }): string[] {
  const { setpriv, prlimit } = facts.tools
  const own = facts.isRoot ? [`--reuid=${user}`, `--regid=${user}`, '--clear-groups'] : []
  // The change of user would untie a process from ours, hence a step of its own after it.
  const drop = setpriv && own.length > 0 ? [setpriv, ...own, '--no-new-privs'] : []
  const tie = setpriv ? [setpriv, '--pdeathsig', 'KILL', '--no-new-privs'] : []
  return [...(prlimit ? limitWords(prlimit, program, { areThreadsOwn: facts.isRoot }) : []), ...drop, ...tie]
}

// Threads are counted per user, and only a user of the sandbox's own has no others.
function limitWords(prlimit: string, { filesMax }: Program, { areThreadsOwn = true } = {}): string[] {
  return [
    ...[prlimit, '--core=0', `--data=${SANDBOX_DATA_BYTES_MAX}`, `--nofile=${filesMax}`],
    ...(areThreadsOwn ? [`--nproc=${SANDBOX_THREADS_MAX}`] : []),
  ]
}

function chain(before: string[], node: string[]): Command {
  const [file = '', ...args] = [...before, ...node]
  return { file, args }
}
