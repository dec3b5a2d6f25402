// A commit of our own: what somebody changed by CLI or portal, or the files of an earlier commit once more.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { git } from './git.ts'
import type { Workplace } from './repositories.ts'
import type { FileChange } from './service-state.ts'

/** `parent` null: the first. `tree`: all files of that commit's, instead of the parent's; then `changes`. */
export type NewCommit = {
  branch: string
  parent: string | null
  tree: string | null
  changes: FileChange[]
  author: string
  message: string
  at: Date
}

/** Writes it into a workplace. Gives its hash, and the file of the pack that holds what is new. */
export async function writeCommit(place: Workplace, commit: NewCommit): Promise<{ hash: string; pack: string | null }> {
  const marks = join(place.root, 'marks')
  await git(['fast-import', '--quiet', '--date-format=raw', `--export-marks=${marks}`], {
    folder: place.folder,
    input: streamOf(commit),
  })
  const hash = (await readFile(marks, 'utf8')).trim().split(' ')[1] ?? ''
  return { hash, pack: await packIn(join(place.folder, 'objects', 'pack')) }
}

/** The one pack that lies in a folder, or null: nothing new may have come. */
export async function packIn(folder: string): Promise<string | null> {
  const name = (await readdir(folder).catch(() => [])).find((one) => one.endsWith('.pack'))
  return name === undefined ? null : join(folder, name)
}

function streamOf({ branch, parent, tree, changes, author, message, at }: NewCommit): Buffer {
  const when = `${Math.floor(at.getTime() / 1_000)} +0000`
  const parts: (string | Buffer)[] = [
    `commit refs/heads/${branch}\nmark :1\n`,
    `author ${personOf(author)} ${when}\n`,
    `committer Mainstay <mainstay@localhost> ${when}\n`,
    ...dataOf(message),
    parent === null ? '' : `from ${parent}\n`,
    tree === null ? '' : `M 040000 ${tree} \n`,
  ]
  for (const { path, text } of changes) {
    if (text === null) parts.push(`D ${path}\n`)
    else parts.push(`M 100644 inline ${path}\n`, ...dataOf(text))
  }
  parts.push('done\n')
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)))
}

function dataOf(text: string): (string | Buffer)[] {
  const bytes = Buffer.from(text)
  return [`data ${bytes.length}\n`, bytes, '\n']
}

// Of a principal: an account is often an address already.
function personOf(principal: string): string {
  const name = principal.replace(/[<>\n\0]/g, ' ').trim() || 'nobody'
  return `${name} <${name.includes('@') ? name.replaceAll(' ', '') : `${name.replace(/\s+/g, '.')}@mainstay.local`}>`
}
