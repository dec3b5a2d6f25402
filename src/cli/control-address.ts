// Which control the CLI talks to: the one that was named, the one of a home on this machine, or the one of the login.
import { join } from 'node:path'
import {
  CLOUD_FILE,
  type CloudFile,
  CONTROL_FILE,
  type ControlFile,
  OPERATOR_TOKEN_FILE,
} from '../contract/local-cloud.ts'
import { Fault } from '../kit/fault.ts'
import { readJsonIfAny, readTextIfAny } from '../kit/files.ts'
import { realFolder } from '../kit/home-folder.ts'
import { isAlive } from '../kit/processes.ts'
import {
  type CommonFlags,
  type Environment,
  homeOf,
  isHomeNamed,
  namedControlOf,
  type RemoteControl,
} from './config.ts'
import { readLogin } from './login-file.ts'

export type ControlAddress = {
  /** One, or several with commas between, which are tried in order. */
  url: string
  token: string
  /** What to do when nothing answers there. */
  hintWhenSilent: string
}

const REMOTE_HINT = 'Check the URL, and that control runs there.'
// Where `mainstay control` lives when nothing else was said.
const CONTROL_HOME = './.mainstay-control'

/** Finds control, or faults with `control.not_found` and the way to start one. */
export async function findControl(flags: CommonFlags, env: Environment): Promise<ControlAddress> {
  const login = await readLogin(env)
  const named = namedControlOf(flags, env)
  if (named) return { ...withToken(named, login), hintWhenSilent: REMOTE_HINT }
  // A login is meant until `logout`; only a home that was named on purpose comes before it.
  if (login && !isHomeNamed(flags, env)) return { ...login, hintWhenSilent: `${REMOTE_HINT} Or: mainstay logout` }
  const home = homeOf(flags, env)
  const beside = isHomeNamed(flags, env) ? null : await controlIn(realFolder(CONTROL_HOME))
  return (await localCloudIn(home)) ?? (await controlIn(home)) ?? beside ?? refuse(home, flags)
}

async function localCloudIn(home: string): Promise<ControlAddress | null> {
  const cloud = await readJsonIfAny<CloudFile>(join(home, CLOUD_FILE))
  if (!cloud || !isAlive(cloud.pid)) return null
  const token = await readTextIfAny(join(home, OPERATOR_TOKEN_FILE))
  if (token === null) {
    throw new Fault('control.not_found', 503, `the local cloud in ${home} is still starting`, {
      hint: 'Wait until it has said that mainstay is ready.',
    })
  }
  const hintWhenSilent = `The local cloud (process ${cloud.pid}) is starting or its control is; try again in a moment.`
  return { url: cloud.controlUrl.replace(/\/+$/, ''), token: token.trim(), hintWhenSilent }
}

async function controlIn(home: string): Promise<ControlAddress | null> {
  const control = await readJsonIfAny<ControlFile>(join(home, CONTROL_FILE))
  const token = await readTextIfAny(join(home, OPERATOR_TOKEN_FILE))
  if (!control || token === null || !isAlive(control.pid)) return null
  return { url: control.url, token: token.trim(), hintWhenSilent: `Control (process ${control.pid}) is starting.` }
}

// The token of a local cloud is not tried: it would be shown to whoever answers at that URL.
function withToken(named: { url: string; token: string | undefined }, login: RemoteControl | null): RemoteControl {
  const token = named.token ?? (login?.url === named.url ? login.token : undefined)
  if (token !== undefined) return { url: named.url, token }
  throw new Fault('usage.token_missing', 400, `no token for the control at ${named.url}`, {
    hint: `Set MAINSTAY_TOKEN to an operator token of that cloud, or log in: mainstay login ${named.url}`,
  })
}

function refuse(home: string, flags: CommonFlags): never {
  const option = flags.home === undefined ? '' : ` --home ${flags.home}`
  throw new Fault('control.not_found', 503, `no local cloud is running in ${home}`, {
    hint: `Start it: mainstay up${option}`,
  })
}
