// The format of a role's home folder: a role refuses a folder that a later release, or another role, has made.
import { join } from 'node:path'
import { Fault } from './fault.ts'
import { readJsonIfAny, writeJson } from './files.ts'
import { readRelease } from './release.ts'

/** The format that this release writes. A later one is read by no earlier release. */
export const HOME_FORMAT = 1

type HomeFile = { format: number; role: string; createdBy: string }

/**
 * Makes sure that a home is of this role and of a format that we know. A home that says nothing is new, or of format 1.
 * Faults with `home.other_version` or `home.other_role`.
 */
export async function checkHomeFormat(home: string, role: string): Promise<void> {
  const kept = await readJsonIfAny<HomeFile>(fileOf(home))
  if (kept === null) return
  if (kept.role !== role) {
    throw new Fault('home.other_role', 400, `${home} is the home of a ${kept.role}, not of a ${role}`, {
      hint: 'Each role has a home of its own: choose another one with --home.',
    })
  }
  if (kept.format <= HOME_FORMAT) return
  const own = `this is release ${readRelease()}, which knows format ${HOME_FORMAT}`
  throw new Fault(
    'home.other_version',
    409,
    `${home} has format ${kept.format}, made by release ${kept.createdBy}; ${own}`,
    { hint: `Run release ${kept.createdBy} or a later one, or choose another --home.` },
  )
}

/** Says in a home what it is, once it is that: a machine that could not join leaves an empty home. */
export async function noteHomeFormat(home: string, role: string): Promise<void> {
  if ((await readJsonIfAny<HomeFile>(fileOf(home))) !== null) return
  await writeJson(fileOf(home), { format: HOME_FORMAT, role, createdBy: readRelease() } satisfies HomeFile)
}

function fileOf(home: string): string {
  return join(home, 'home.json')
}
