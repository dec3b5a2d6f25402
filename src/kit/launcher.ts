// How one of our processes starts another: always through the launcher, on the same Node.
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** The launcher's path. */
export const LAUNCHER = fileURLToPath(new URL('../../bin/mainstay.mjs', import.meta.url))

/** Starts `mainstay ROLE …` as a process. With `detached` it outlives us. */
export function startRole(
  args: string[],
  options: { stdio: StdioOptions; detached?: boolean; env?: NodeJS.ProcessEnv },
): ChildProcess {
  return spawn(process.execPath, [LAUNCHER, ...args], {
    stdio: options.stdio,
    detached: options.detached ?? false,
    cwd: '/',
    ...(options.env ? { env: options.env } : {}),
  })
}
