// Named moments at which a test may kill or stop this process: after each durable step, where a crash hurts most.
import { existsSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { environment } from './environment.ts'

// Undefined before the first look. Off, as everywhere but in a test, a point costs one comparison.
let folder: string | null | undefined

/**
 * Does nothing unless MAINSTAY_FAULT_POINTS names a folder with a file of the point's name. The file says `kill` or `stop`
 * (SIGSTOP, for whoever watches to kill another process in that moment, and then to continue this one). It is renamed
 * first, so that a point happens once, also to the process that comes after.
 */
export function faultPoint(name: string): void {
  if (folder === undefined) folder = environment().faultPointsFolder
  if (folder === null) return
  const armed = join(folder, name)
  if (!existsSync(armed)) return
  const signal = readFileSync(armed, 'utf8').trim() === 'stop' ? 'SIGSTOP' : 'SIGKILL'
  renameSync(armed, `${armed}.${process.pid}.hit`)
  process.kill(process.pid, signal)
}
