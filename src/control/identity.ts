// Who this control process is to the others on its database: by its home, so that a restart is known again.
import { join } from 'node:path'
import { EXPORTED_SUFFIX } from '../contract/control-key.ts'
import { readTextIfAny, writeFileDurably } from '../kit/files.ts'
import { randomId } from '../kit/identifiers.ts'

/** The id that this home was given at its first start. */
export async function ensureControlId(home: string): Promise<string> {
  const path = join(home, 'control.id')
  const kept = (await readTextIfAny(path))?.trim()
  if (kept) return kept
  const made = randomId()
  await writeFileDurably(path, `${made}\n`)
  return made
}

/** True once somebody has exported the key of that file, or put an exported one there. */
export async function isKeyExported(keyFile: string): Promise<boolean> {
  if ((await readTextIfAny(keyFile + EXPORTED_SUFFIX)) !== null) return true
  // A key in its exported form came from a copy that somebody keeps.
  return (await readTextIfAny(keyFile))?.includes('mainstay-') === true
}
