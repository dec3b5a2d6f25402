// Removing a local cloud from this machine, with all its data.
import { readdir, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { CloudFile } from '../contract/local-cloud.ts'
import { Fault } from '../kit/fault.ts'
import { readJsonIfAny, removeTree } from '../kit/files.ts'
import { socketFolderOf } from '../kit/home-folder.ts'
import { ORPHAN_STOP_MS_MAX } from '../kit/limits.ts'
import { type CloudHome, foldersOfCloud, readSettings } from './cloud-home.ts'
import { endOurs } from './our-processes.ts'
import { isAnswered } from './up-socket.ts'

/** What would be removed. Faults with `reset.running` (refused for safety) or `reset.nothing`. */
export async function planReset(home: CloudHome): Promise<string[]> {
  const pid = (await readJsonIfAny<CloudFile>(home.cloudFile))?.pid
  if (await isAnswered(home.socket)) {
    throw new Fault(
      'reset.running',
      409,
      `the local cloud in ${home.folder} is running (process ${pid ?? 'unknown'})`,
      {
        hint: 'Stop it first: Ctrl-C where `mainstay up` runs.',
      },
    )
  }
  if ((await readSettings(home).catch(() => null)) === null) {
    throw new Fault('reset.nothing', 404, `there is no local cloud in ${home.folder}`, {
      hint: 'Name its folder with --home or MAINSTAY_HOME.',
    })
  }
  // The home itself covers what lies below it.
  const folders = [...(await foldersOfCloud(home)), socketFolderOf(home.folder)]
  const outside = folders.filter((folder) => !folder.startsWith(`${home.folder}/`) && folder !== home.folder)
  return [...new Set([home.folder, ...outside])]
}

/** Ends what may still run and removes all folders, the home last, so that an interrupted reset can be repeated. */
export async function carryOutReset(home: CloudHome, folders: string[]): Promise<void> {
  await endOurs(await foldersOfCloud(home), ORPHAN_STOP_MS_MAX)
  for (const folder of folders.filter((one) => one !== home.folder)) {
    await removeTree(folder)
    await removeIfEmpty(dirname(folder))
  }
  // The settings file says that this folder is a cloud's: it goes last of all.
  for (const entry of await readdir(home.folder)) {
    const path = `${home.folder}/${entry}`
    if (path !== home.settingsFile) await removeTree(path)
  }
  await removeTree(home.folder)
}

async function removeIfEmpty(folder: string): Promise<void> {
  if ((await readdir(folder).catch(() => ['unknown'])).length > 0) return
  // Harmless when it fails: somebody has just put something into it.
  await rm(folder, { recursive: false }).catch(() => {})
}
