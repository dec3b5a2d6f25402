// Scripts as files of a folder: DIR/table/TodoItem.insert.js, DIR/api/orders.js, DIR/shared/mail.js, as the original's download laid them.
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { JSON_MODULE } from '../contract/assignment.ts'
import { LOCK_FILE, PACKAGE_FILE } from '../contract/npm-modules.ts'
import { scriptFileOf } from '../contract/script-file.ts'
import { Fault, messageOf } from '../kit/fault.ts'
import { makeFolders, writeFileDurably } from '../kit/files.ts'

const SUFFIX = '.js'
const FOLDERS = ['table', 'api', 'scheduler', 'shared', 'extensions']

/** Where a script lies below a folder. */
export function scriptPath(folder: string, name: string): string {
  return join(folder, scriptFileOf(name))
}

/** True for what says which npm modules there are. */
export function isPackageFile(name: string): boolean {
  return name === PACKAGE_FILE || name === LOCK_FILE
}

/** The lock file beside a package.json, or null where there is none. Faults with `script.file_failed`. */
export async function readLockBeside(packagePath: string): Promise<string | null> {
  const path = join(dirname(packagePath), LOCK_FILE)
  return existsSync(path) ? await readScriptFile(path) : null
}

/** Writes a script's text. Faults with `script.file_exists` when the file is there, unless it may be overwritten. */
export async function writeScriptFile(path: string, text: string, options: { isOverwritten: boolean }): Promise<void> {
  const there = await readTextFile(path).catch(() => null)
  if (there === text) return
  if (there !== null && !options.isOverwritten) {
    throw new Fault('script.file_exists', 400, `${path} is there and has another text`, {
      hint: 'Add --override to replace it, or choose another file with --file.',
    })
  }
  try {
    await makeFolders(dirname(path))
    await writeFileDurably(path, text, 0o644)
  } catch (error) {
    throw new Fault('script.file_failed', 400, `cannot write ${path}: ${messageOf(error)}`)
  }
}

/** A script's text from its file. Faults with `script.file_failed`. */
export async function readScriptFile(path: string): Promise<string> {
  try {
    return await readTextFile(path)
  } catch (error) {
    throw new Fault('script.file_failed', 400, `cannot read ${path}: ${messageOf(error)}`, {
      hint: 'Name the file with --file.',
    })
  }
}

/** All scripts of a folder by name, with the hash of their text. Faults with `script.file_failed`. */
export async function readScriptFolder(folder: string): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  let files: string[]
  try {
    await readdir(folder)
    const all = await Promise.all(FOLDERS.map(async (name) => await filesBelow(folder, name)))
    files = all.flat().filter((name) => name.endsWith(SUFFIX) || JSON_MODULE.test(name))
    files.push(...[PACKAGE_FILE, LOCK_FILE].filter((name) => existsSync(join(folder, name))))
  } catch (error) {
    throw new Fault('script.file_failed', 400, `cannot read ${folder}: ${messageOf(error)}`, {
      hint: 'Name the folder that holds table/TABLE.OPERATION.js and api/API.js; or say standby, backup, or a moment such as 2026-11-25T14:03:20Z.',
    })
  }
  for (const file of files.sort()) {
    const text = await readScriptFile(join(folder, file))
    // An empty file is no script, as in the original.
    if (text.trim() === '') continue
    found.set(file.endsWith(SUFFIX) ? file.slice(0, -SUFFIX.length) : file, hashOf(text))
  }
  return found
}

async function filesBelow(folder: string, name: string): Promise<string[]> {
  const files = await readdir(join(folder, name), { recursive: true }).catch(() => [])
  return files.map((file) => `${name}/${file.replaceAll('\\', '/')}`)
}

async function readTextFile(path: string): Promise<string> {
  return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path))
}

function hashOf(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex')
}
