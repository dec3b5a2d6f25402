// Processes: finding, ending and reading them. Linux's /proc where it is there, signals elsewhere.
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { setPriority } from 'node:os'
import { waitFor } from './clock.ts'

/** True while a process with this id exists (a zombie does not count). */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
  return stateOf(pid) !== 'Z'
}

/** Sends a signal; false when there is no such process. */
export function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal)
    return true
  } catch {
    // Gone already, which is what a signal is usually for.
    return false
  }
}

/**
 * Has a process that leads a session of its own, with what it starts, run after others; `nice` as in nice(1). Where the
 * kernel groups by session (`sched_autogroup`), what counts is the group's. Quiet where it is gone or not ours.
 */
export function giveWay(pid: number, nice: number): void {
  const ways = [() => setPriority(pid, nice), () => writeFileSync(`/proc/${pid}/autogroup`, String(nice))]
  for (const way of ways) {
    try {
      way()
    } catch {
      // The other way may do, and neither is needed for anything to be right.
    }
  }
}

/** The direct children of a process; empty where /proc is missing. */
export function childrenOf(pid: number): number[] {
  return listPids().filter((candidate) => parentOf(candidate) === pid)
}

/** A process and all below it, deepest last. */
export function treeOf(pid: number): number[] {
  const parents = new Map(listPids().map((candidate) => [candidate, parentOf(candidate)]))
  const found = [pid]
  for (let index = 0; index < found.length; index += 1) {
    for (const [child, parent] of parents) if (parent === found[index]) found.push(child)
  }
  return found
}

/** The command line of a process, or '' when it is gone. */
export function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
  } catch {
    return ''
  }
}

/** All processes whose command line contains every one of the words. */
export function findProcesses(...words: string[]): number[] {
  return listPids().filter((pid) => pid !== process.pid && words.every((word) => commandOf(pid).includes(word)))
}

/** The living processes whose working directory is exactly this folder. */
export function processesIn(folder: string): number[] {
  return listPids().filter((pid) => isIn(pid, folder))
}

/** True for a living process whose working directory is exactly this folder. */
export function isIn(pid: number, folder: string): boolean {
  return workingFolderOf(pid) === folder && isAlive(pid)
}

/** Waits until a process is gone. Faults with `wait.timed_out`. */
export async function waitUntilGone(pid: number, withinMs: number): Promise<void> {
  await waitFor(`the end of process ${pid}`, () => (isAlive(pid) ? undefined : true), { withinMs, everyMs: 10 })
}

/** Proportional set size of a process in bytes: its private memory and its share of what it shares. 0 when unknown. */
export function memoryOf(pid: number): number {
  try {
    const line = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8').match(/^Pss:\s+(\d+) kB/m)
    return Number(line?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}

/**
 * Runs `stop` once on SIGINT, SIGTERM, or when the process that started us is gone; a second signal ends at once.
 * `stop` must settle; the exit code is what it resolves to.
 */
export function stopOnSignal(stop: () => Promise<number>): void {
  let isStopping = false
  const begin = (isSignal: boolean) => {
    if (isStopping) {
      if (isSignal) process.exit(130)
      return
    }
    isStopping = true
    stop().then(
      (code) => process.exit(code),
      (error) => {
        process.stderr.write(`error:   could not stop in order: ${error}\n`)
        process.exit(1)
      },
    )
  }
  process.on('SIGINT', () => begin(true))
  process.on('SIGTERM', () => begin(true))
  process.on('SIGHUP', () => begin(true))
  // Our parent keeps an ipc channel open; its loss means the parent is gone, however it went.
  process.on('disconnect', () => begin(false))
  process.channel?.unref()
}

function listPids(): number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
  } catch {
    return []
  }
}

function workingFolderOf(pid: number): string | null {
  try {
    return readlinkSync(`/proc/${pid}/cwd`)
  } catch {
    // Gone meanwhile, or another user's.
    return null
  }
}

function stateOf(pid: number): string {
  return statFields(pid)[0] ?? ''
}

function parentOf(pid: number): number {
  return Number(statFields(pid)[1] ?? 0)
}

// The fields after the command name, which may itself contain blanks and brackets.
function statFields(pid: number): string[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return []
  }
}
