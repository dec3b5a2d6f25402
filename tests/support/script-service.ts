// A service with scripts, as its host gives it to a runtime: texts under their hashes in a folder.
import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ScriptAssignment } from '../../src/contract/assignment.ts'
import { DEFAULT_PERMISSIONS } from '../../src/contract/permissions.ts'
import type { RuntimeService } from '../../src/contract/runtime-channel.ts'
import type { TestCluster } from './runtime-cluster.ts'

/** Scripts by name; those of tables may be without their folder: `TodoItem.insert`. */
export type ScriptTexts = Record<string, string>

/** Makes the service with the tables that its scripts name, and TodoItem. */
export async function addScripted(
  postgres: TestCluster,
  name: string,
  texts: ScriptTexts,
  options: Partial<RuntimeService> = {},
): Promise<RuntimeService> {
  const scriptFolder = join(postgres.folder, 'scripts')
  const named = Object.keys(texts).flatMap((key) => (key.includes('/') ? [] : [key.split('.')[0] ?? '']))
  const tables = [...new Set(['TodoItem', ...named])]
  const service = await postgres.addService({
    name,
    tables: tables.map((table) => ({ name: table, permissions: DEFAULT_PERMISSIONS })),
    scriptFolder,
    ...options,
  })
  return { ...service, scripts: await writeScripts(scriptFolder, texts) }
}

/** Puts texts where a runtime looks for them. */
export async function writeScripts(folder: string, texts: ScriptTexts): Promise<ScriptAssignment[]> {
  await mkdir(folder, { recursive: true })
  return await Promise.all(
    Object.entries(texts).map(async ([key, text]) => {
      const hash = createHash('sha256').update(text).digest('hex')
      await writeFile(join(folder, hash), text)
      return { name: key.includes('/') ? key : `table/${key}`, hash, bytes: Buffer.byteLength(text) }
    }),
  )
}
