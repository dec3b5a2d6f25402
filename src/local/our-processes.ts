// Finding and ending the processes of a local cloud, also those that nobody looks after any more.
import { pause } from '../kit/clock.ts'
import { KILL_ROUNDS_MAX } from '../kit/limits.ts'
import { commandOf, findProcesses, isAlive, signalProcess, treeOf } from '../kit/processes.ts'

const ROLE = /mainstay\.mjs (control|gateway|host|runtime|guard)\b/
const POSTGRES = /^\S*\/(postgres|initdb)\s/

/**
 * True when a command line is one of our roles or of PostgreSQL's programs, working in one of these folders. A person's
 * `tail -f` of a log there is not.
 */
export function isOurs(command: string, folders: string[]): boolean {
  if (!ROLE.test(command) && !POSTGRES.test(command)) return false
  return folders.some((folder) =>
    command.split(/[\s=]/).some((word) => word === folder || word.startsWith(`${folder}/`)),
  )
}

/** The processes of these folders, and all below them. */
export function findOurs(folders: string[], roots: number[] = []): number[] {
  const named = [...new Set(folders.flatMap((folder) => findProcesses(folder)))]
  const ours = named.filter((pid) => isOurs(commandOf(pid), folders))
  const found = [...roots, ...ours].flatMap((pid) => treeOf(pid))
  return [...new Set(found)].filter((pid) => pid !== process.pid && isAlive(pid))
}

/**
 * Kills all processes of these folders and the trees of `roots` at once, again and again until none is left, since one
 * of them may have been about to start another. Returns how many were killed.
 */
export async function killOurs(folders: string[], roots: number[] = []): Promise<number> {
  const killed = new Set<number>()
  for (let round = 0; round < KILL_ROUNDS_MAX; round += 1) {
    const found = findOurs(folders, round === 0 ? roots : [])
    const alive = [...new Set([...found, ...[...killed].filter((pid) => isAlive(pid))])]
    if (alive.length === 0) break
    for (const pid of alive) {
      signalProcess(pid, 'SIGKILL')
      killed.add(pid)
    }
    await waitWhileAlive(alive, 1_000)
  }
  return killed.size
}

/** Asks the processes of these folders to end, waits, and kills what is left. Returns how many there were. */
export async function endOurs(folders: string[], withinMs: number): Promise<number> {
  const found = findOurs(folders)
  for (const pid of found) {
    // PostgreSQL's SIGTERM waits for its clients to leave; SIGINT is its fast and orderly stop.
    if (ROLE.test(commandOf(pid))) signalProcess(pid, 'SIGTERM')
    else if (POSTGRES.test(commandOf(pid))) signalProcess(pid, 'SIGINT')
  }
  await waitWhileAlive(found, withinMs)
  await killOurs(folders)
  return found.length
}

/** Waits until none of these is alive, at most `withinMs`. */
export async function waitWhileAlive(pids: number[], withinMs: number): Promise<void> {
  const deadline = performance.now() + withinMs
  while (pids.some((pid) => isAlive(pid)) && performance.now() < deadline) await pause(10)
}
