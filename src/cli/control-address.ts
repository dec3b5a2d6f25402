// Which control the CLI talks to: the one that was named, or the local cloud's.
import { join } from 'node:path'
import { CLOUD_FILE, type CloudFile, OPERATOR_TOKEN_FILE } from '../contract/local-cloud.ts'
import { Fault } from '../kit/fault.ts'
import { readJsonIfAny, readTextIfAny } from '../kit/files.ts'
import { isAlive } from '../kit/processes.ts'
import { type CommonFlags, type Environment, homeOf, remoteControlOf } from './config.ts'

export type ControlAddress = {
  /** One, or several with commas between, which are tried in order. */
  url: string
  token: string
  /** What to do when nothing answers there. */
  hintWhenSilent: string
}

/** Finds control, or faults with `control.not_found` and the way to start one. */
export async function findControl(flags: CommonFlags, env: Environment): Promise<ControlAddress> {
  const remote = remoteControlOf(flags, env)
  if (remote) return { ...remote, hintWhenSilent: 'Check the URL, and that control runs there.' }
  const home = homeOf(flags, env)
  const cloud = await readJsonIfAny<CloudFile>(join(home, CLOUD_FILE))
  const token = await readTextIfAny(join(home, OPERATOR_TOKEN_FILE))
  if (!cloud || !isAlive(cloud.pid)) {
    throw new Fault('control.not_found', 503, `no local cloud is running in ${home}`, {
      hint: startHint(flags),
    })
  }
  if (token === null) {
    throw new Fault('control.not_found', 503, `the local cloud in ${home} is still starting`, {
      hint: 'Wait until it has said that mainstay is ready.',
    })
  }
  const hintWhenSilent = `The local cloud (process ${cloud.pid}) is starting or its control is; try again in a moment.`
  return { url: cloud.controlUrl.replace(/\/+$/, ''), token: token.trim(), hintWhenSilent }
}

function startHint(flags: CommonFlags): string {
  const home = flags.home === undefined ? '' : ` --home ${flags.home}`
  return `Start it: mainstay up${home}`
}
