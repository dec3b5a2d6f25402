// The login that `mainstay login` keeps: which control, and the token for it, in the user's config folder.
import { dirname, join } from 'node:path'
import { Fault } from '../kit/fault.ts'
import { makeFolders, readJsonIfAny, removeTree, writeFileDurably } from '../kit/files.ts'
import type { Environment, RemoteControl } from './config.ts'

const OWNER_ONLY = { folder: 0o700, file: 0o600 }

/** The kept login, or null. */
export async function readLogin(env: Environment): Promise<RemoteControl | null> {
  const path = loginFileOf(env)
  return path === null ? null : await readJsonIfAny<RemoteControl>(path)
}

/** Keeps a login, readable by its owner only. Returns where. Faults with `login.no_home`. */
export async function keepLogin(env: Environment, login: RemoteControl): Promise<string> {
  const path = loginFileOf(env)
  if (path === null) {
    throw new Fault('login.no_home', 400, 'there is no folder for the login: neither XDG_CONFIG_HOME nor HOME is set', {
      hint: 'Set one, or use --control with MAINSTAY_TOKEN.',
    })
  }
  await makeFolders(dirname(path), OWNER_ONLY.folder)
  await writeFileDurably(path, `${JSON.stringify(login)}\n`, OWNER_ONLY.file)
  return path
}

/** Forgets the login; none is fine. */
export async function forgetLogin(env: Environment): Promise<void> {
  const path = loginFileOf(env)
  if (path !== null) await removeTree(path)
}

function loginFileOf(env: Environment): string | null {
  const config = env.XDG_CONFIG_HOME || (env.HOME ? join(env.HOME, '.config') : null)
  return config ? join(config, 'mainstay', 'login.json') : null
}
