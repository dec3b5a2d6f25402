// Runs before the first test and after the last one (node --test-global-setup): a folder for clouds that tests share.
import { chmod, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { removeTree } from '../src/kit/files.ts'
import { PREPARED_FOLDER } from './support/prepared-clouds.ts'

export async function globalSetup(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'mainstay-prepared-'))
  await chmod(folder, 0o755)
  process.env[PREPARED_FOLDER] = folder
  // Where the roles keep their compiled code anyway; each file of tests is a process and reads much of the same source.
  process.env.NODE_COMPILE_CACHE ??= join(tmpdir(), 'node-compile-cache')
}

export async function globalTeardown(): Promise<void> {
  const folder = process.env[PREPARED_FOLDER]
  if (folder !== undefined) await removeTree(folder)
}
