// The format of a role's home folder: a role refuses a folder that a later release, or another role, has made.
import { join } from 'node:path'
import { Fault } from './fault.ts'
import { readJsonIfAny, writeJson } from './files.ts'
import { readRelease } from './release.ts'

/** The format that this release writes. A later one is read by no earlier release. */
export const HOME_FORMAT = 1

type HomeFile = { format: number; role: string; createdBy: string }

/**
 * Makes sure that a home is of this role and of a format that we know, and says so in its `home.json`. A home without one
 * is of format 1. Call it with the home locked. Faults with `home.other_version` or `home.other_role`.
 */
export async function takeHomeFormat(home: string, role: string): Promise<void> {
  const path = join(home, 'home.json')
  const release = readRelease()
  const kept = await readJsonIfAny<HomeFile>(path)
  if (kept === null) return await writeJson(path, { format: HOME_FORMAT, role, createdBy: release } satisfies HomeFile)
  if (kept.role !== role) {
    throw new Fault('home.other_role', 400, `${home} is the home of a ${kept.role}, not of a ${role}`, {
      hint: 'Each role has a home of its own: choose another one with --home.',
    })
  }
  if (kept.format <= HOME_FORMAT) return
  throw new Fault(
    'home.other_version',
    409,
    `${home} has format ${kept.format}, made by release ${kept.createdBy}; this is release ${release}, which knows format ${HOME_FORMAT}`,
    { hint: `Run release ${kept.createdBy} or a later one, or choose another --home.` },
  )
}
