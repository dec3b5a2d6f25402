// Where the local cloud on one machine keeps its things.
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CLOUD_FILE, OPERATOR_TOKEN_FILE, OUTAGES_FILE, OWNER_INVITATION_FILE } from '../contract/local-cloud.ts'
import { Fault, messageOf } from '../kit/fault.ts'
import { readJsonIfAny, writeJson } from '../kit/files.ts'
import { makeOpenFolder, postgresFolderOf, socketFolderOf } from '../kit/home-folder.ts'
import { slugOf } from '../kit/identifiers.ts'

export type CloudHome = {
  folder: string
  cloudFile: string
  outagesFile: string
  tokenFile: string
  /** The first owner's link to sign in, while nobody can. */
  invitationFile: string
  settingsFile: string
  /** Of the certificate for HTTPS that we make where none is given. */
  certificate: string
  socket: string
  logs: string
  gateway: string
  hosts: string
}

/** What a later start takes over from the first. */
export type CloudSettings = { machinePort: number; regions: string[] }

/** All paths below a home folder, which must be absolute. */
export function cloudHome(folder: string): CloudHome {
  return {
    folder,
    cloudFile: join(folder, CLOUD_FILE),
    outagesFile: join(folder, OUTAGES_FILE),
    tokenFile: join(folder, OPERATOR_TOKEN_FILE),
    invitationFile: join(folder, OWNER_INVITATION_FILE),
    settingsFile: join(folder, 'up.json'),
    certificate: join(folder, 'certificate'),
    socket: join(socketFolderOf(folder), 'up.sock'),
    logs: join(folder, 'logs'),
    gateway: join(folder, 'gateway'),
    hosts: join(folder, 'hosts'),
  }
}

/** The home of a region's host. */
export function hostHomeOf(home: CloudHome, region: string): string {
  return join(home.hosts, slugOf(region))
}

/** The folders of one role; a command line that names one of them is of that role. */
export async function foldersOfRole(roleHome: string): Promise<string[]> {
  return [roleHome, await postgresFolderOf(roleHome), socketFolderOf(roleHome)]
}

/** The folders of every role of a cloud, hosts of regions that are no longer started included. */
export async function foldersOfCloud(home: CloudHome): Promise<string[]> {
  const hosts = await readdir(home.hosts).catch(() => [])
  const roles = [home.folder, home.gateway, ...hosts.map((slug) => join(home.hosts, slug))]
  return (await Promise.all(roles.map(foldersOfRole))).flat()
}

/** Reads what the first start decided; null before it. */
export async function readSettings(home: CloudHome): Promise<CloudSettings | null> {
  return await readJsonIfAny<CloudSettings>(home.settingsFile)
}

/**
 * Makes the folder and proves that it can be written. Faults with `home.unwritable`, or with `home.not_ours` for a
 * folder with other people's files, since `reset` removes all of it one day.
 */
export async function ensureHome(home: CloudHome, settings: CloudSettings): Promise<void> {
  try {
    await tryToWrite(await nearestFolder(home.folder))
    await makeOpenFolder(home.folder)
    const isOurs = (await readSettings(home)) !== null
    if (!isOurs && (await readdir(home.folder)).length > 0) {
      throw new Fault('home.not_ours', 500, `${home.folder} has files in it that are not of a local cloud`, {
        hint: 'Choose an empty or new folder with --home or MAINSTAY_HOME.',
      })
    }
    await writeJson(home.settingsFile, settings)
    await makeOpenFolder(home.hosts)
    await makeOpenFolder(home.logs)
    await makeOpenFolder(socketFolderOf(home.folder))
  } catch (error) {
    if (error instanceof Fault) throw error
    throw new Fault('home.unwritable', 500, `cannot write to ${home.folder}: ${messageOf(error)}`, {
      hint: 'Choose a folder that you may write to with --home or MAINSTAY_HOME.',
      cause: error,
    })
  }
}

/** The folder itself, or the nearest one above it that exists. */
export async function nearestFolder(path: string): Promise<string> {
  for (let folder = path; ; folder = dirname(folder)) {
    const found = await stat(folder).catch(() => null)
    if (found?.isDirectory() || folder === dirname(folder)) return folder
  }
}

/** Makes something in a folder and removes it again; throws what the system says when that is not allowed. */
export async function tryToWrite(folder: string): Promise<void> {
  // Before any recursive mkdir: Node's never returns where a folder refuses with ENOENT, as /proc does.
  const trial = await mkdtemp(join(folder, '.mainstay-trial-'))
  await rm(trial, { recursive: true, force: true })
}
