// The files of a commit: whether they may be there at all, and which of them say what a service runs. Pure.
import { SOURCE_ROOT } from '../contract/deployment.ts'
import { SOURCE_FILES_MAX, SOURCE_TEXT_BYTES_MAX } from '../kit/limits.ts'

/** As `git ls-tree` tells it; `bytes` null: not a file. */
export type TreeEntry = { mode: string; hash: string; bytes: number | null; path: string }

const [SYMLINK, SUBMODULE] = ['120000', '160000']
const FOLDERS = ['table', 'api', 'scheduler', 'shared', 'extensions']
const PACKAGE_FILES = ['package.json', 'package-lock.json']

/** Reads what `git ls-tree -r -z -l --full-tree` printed. */
export function parseTree(printed: Buffer): TreeEntry[] {
  return printed
    .toString('utf8')
    .split('\0')
    .filter((line) => line !== '')
    .map((line) => {
      const tab = line.indexOf('\t')
      const [mode = '', , hash = '', size = ''] = line.slice(0, tab).split(/ +/)
      return { mode, hash, bytes: /^\d+$/.test(size) ? Number(size) : null, path: line.slice(tab + 1) }
    })
}

/** Why a commit cannot be taken, a line for each reason: what some file system, or somebody's eye, would not bear. */
export function treeProblems(entries: TreeEntry[]): string[] {
  if (entries.length > SOURCE_FILES_MAX) return [`it has ${entries.length} files; ${SOURCE_FILES_MAX} are the most`]
  const problems: string[] = []
  const spelled = new Map<string, string>()
  for (const { mode, path } of entries) {
    if (mode === SYMLINK) problems.push(`${shown(path)} is a symbolic link; commit the file itself`)
    if (mode === SUBMODULE) problems.push(`${shown(path)} is a submodule; commit its files, or name it in package.json`)
    const parts = path.split('/')
    if (parts.some(isEscaping))
      problems.push(`${shown(path)} leads out of the repository, or means something to systems`)
    // Each folder on the way, too: A/x and a/y lie in one folder on some machines, and in two on others.
    for (let length = 1; length <= parts.length; length += 1) {
      const part = parts.slice(0, length).join('/')
      const other = spelled.get(folded(part))
      if (other === undefined) spelled.set(folded(part), part)
      else if (other !== part) {
        problems.push(`${shown(part)} and ${shown(other)} differ in case only`)
        break
      }
    }
  }
  return problems
}

// Git has refused most of these; not those that mean something to Windows only.
function isEscaping(part: string): boolean {
  if (part === '' || part === '.' || part === '..') return true
  return /[\\\u0000-\u001f\u007f]/.test(part) || /^\.git[. ]*$/i.test(part) || /^[A-Za-z]:/.test(part)
}

function folded(path: string): string {
  return path.normalize('NFC').toLowerCase()
}

function shown(path: string): string {
  return JSON.stringify(path).slice(1, -1)
}

/** The files that say what the service runs, and what there is to say of others. */
export function managedFiles(entries: TreeEntry[]): { files: TreeEntry[]; problems: string[]; notes: string[] } {
  const files: TreeEntry[] = []
  const notes: string[] = []
  const own = entries.filter(({ path }) => path.startsWith(`${SOURCE_ROOT}/`))
  for (const entry of own) {
    const inner = entry.path.slice(SOURCE_ROOT.length + 1)
    const [folder = ''] = inner.split('/')
    const isScript = FOLDERS.includes(folder) && /\.js(?:on)?$/i.test(inner)
    if (PACKAGE_FILES.includes(inner) || isScript) files.push(entry)
  }
  if (own.length === 0) notes.push(`there is no folder '${SOURCE_ROOT}' in it: nothing would run`)
  if (own.some(({ path }) => path.startsWith(`${SOURCE_ROOT}/node_modules/`))) {
    notes.push(`${SOURCE_ROOT}/node_modules is not read: what package.json names is installed here`)
  }
  const bytes = files.reduce((sum, file) => sum + (file.bytes ?? 0), 0)
  const problems =
    bytes > SOURCE_TEXT_BYTES_MAX
      ? [`scripts and their JSON have ${bytes} bytes together; ${SOURCE_TEXT_BYTES_MAX} are the most`]
      : []
  return { files, problems, notes }
}
