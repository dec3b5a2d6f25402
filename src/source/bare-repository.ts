// Bare repositories as files: made without git, which takes longer to start than to write them.
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SOURCE_PUSH_BYTES_MAX } from '../kit/limits.ts'

/** Branches and tags by their whole names. */
export type Refs = ReadonlyMap<string, string>

// What a push must be, and what git must never do by itself: follow links, run hooks of others, tidy up.
const CONFIG = `[core]
	repositoryformatversion = 0
	bare = true
	symlinks = false
	logAllRefUpdates = false
	hooksPath = hooks
[gc]
	auto = 0
[http]
	receivepack = true
	uploadpack = true
[receive]
	fsckObjects = true
	maxInputSize = ${SOURCE_PUSH_BYTES_MAX}
	unpackLimit = 1
	denyNonFastForwards = true
	denyCurrentBranch = ignore
	denyDeleteCurrent = ignore
	advertisePushOptions = false
	autogc = false
[receive "fsck"]
	zeroPaddedFilemode = warn
	badTimezone = warn
	missingSpaceBeforeDate = warn
[fastimport]
	unpackLimit = 0
[uploadpack]
	allowFilter = true
`

// It tells control what is pushed, prints what control says, and ends as control decides. A control that is gone says
// nothing, which is no.
const PRE_RECEIVE = `#!/bin/sh
{ echo "$GIT_QUARANTINE_PATH"; cat; echo .; } >&3
while IFS= read -r line <&4; do
  case "$line" in
    +) exit 0 ;;
    -) exit 1 ;;
    *) printf '%s\\n' "\${line#=}" >&2 ;;
  esac
done
echo "control ended before it had decided; fetch, and look whether the push arrived" >&2
exit 1
`

/** Makes one, with these branches; objects are looked for in `objects`, too. */
export async function makeBareRepository(
  folder: string,
  { branch, refs, objects }: { branch: string; refs: Refs; objects: string | null },
): Promise<void> {
  await mkdir(join(folder, 'objects', 'info'), { recursive: true })
  await mkdir(join(folder, 'objects', 'pack'))
  await mkdir(join(folder, 'refs'))
  await mkdir(join(folder, 'hooks'))
  const packed = [...refs].sort(([one], [other]) => (one < other ? -1 : 1)).map(([name, hash]) => `${hash} ${name}\n`)
  await Promise.all([
    writeFile(join(folder, 'HEAD'), `ref: refs/heads/${branch}\n`),
    writeFile(join(folder, 'config'), CONFIG),
    writeFile(join(folder, 'packed-refs'), packed.join('')),
    writeFile(join(folder, 'hooks', 'pre-receive'), PRE_RECEIVE, { mode: 0o755 }),
    objects === null ? null : writeFile(join(folder, 'objects', 'info', 'alternates'), `${objects}\n`),
  ])
  // Whatever our umask is: git passes over a hook that it may not run.
  await chmod(join(folder, 'hooks', 'pre-receive'), 0o755)
}
