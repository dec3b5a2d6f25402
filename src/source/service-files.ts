// What a service runs as files of a repository, in the layout of the original, and back. Pure.
import { JSON_MODULE, MODULE_NAME } from '../contract/assignment.ts'
import { SOURCE_ROOT } from '../contract/deployment.ts'
import { LOCK_FILE, PACKAGE_FILE } from '../contract/npm-modules.ts'
import type { PermissionLevel, TablePermissions } from '../contract/permissions.ts'
import { scriptFileOf } from '../contract/script-file.ts'
import { Fault, messageOf } from '../kit/fault.ts'
import { MODULES_BYTES_MAX } from '../kit/limits.ts'
import type { KeptPermissions } from '../services/api-routes.ts'
import { isApiName, isJobName, requireTableName } from '../services/names.ts'
import { checkScriptText, parseScriptName } from '../services/scripts.ts'
import { type JobSettings, parseApiFile, parseJobFile, parsePushFile, parseTableFile } from './permission-file.ts'

/** What a commit says; null: that there is one, and nothing of who may or when. */
export type Wanted = {
  tables: Map<string, TablePermissions>
  apis: Map<string, KeptPermissions | null>
  jobs: Map<string, JobSettings | null>
  /** Who may register devices for push; null: what is so already. */
  push: PermissionLevel | null
  /** Texts by name, `table/TodoItem.insert`; those of package files by theirs. */
  scripts: Map<string, string>
}
/** The names that a service has now, as they are spelled. */
export type Known = { tables: string[]; apis: string[]; jobs: string[] }

/** The file of a script. */
export function fileOf(script: string): string {
  return `${SOURCE_ROOT}/${scriptFileOf(script)}`
}

/** The file that says who may, or when. */
export function jsonFileOf(folder: 'table' | 'api' | 'scheduler', name: string): string {
  return `${SOURCE_ROOT}/${folder}/${name}.json`
}

/** The file of who may register devices for push. */
export const PUSH_FILE = `${SOURCE_ROOT}/extensions/push.json`

/** What is wanted where there are no files. */
export function nothingWanted(): Wanted {
  return { tables: new Map(), apis: new Map(), jobs: new Map(), push: null, scripts: new Map() }
}

/** Reads the managed files of a commit, by their paths. Where there are problems, the rest is not to be believed. */
export function readFiles(
  files: ReadonlyMap<string, string>,
  known: Known,
): { wanted: Wanted; problems: string[]; notes: string[] } {
  const wanted = nothingWanted()
  const problems: string[] = []
  const notes: string[] = []
  for (const [path, text] of files) {
    try {
      const note = readFile(wanted, path, text)
      if (note !== null) notes.push(note)
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      problems.push(lineOf(path, error))
    }
  }
  problems.push(...relationProblems(wanted, known))
  return { wanted, problems, notes }
}

function readFile(wanted: Wanted, path: string, text: string): string | null {
  const inner = path.slice(SOURCE_ROOT.length + 1)
  if (text.includes('\0')) throw new Fault('source.bad_file', 400, `${path}: it has a zero byte, which no script has`)
  if (inner === PACKAGE_FILE || inner === LOCK_FILE) {
    wanted.scripts.set(inner, text)
    return null
  }
  if (inner.endsWith('.json')) return readJsonFile(wanted, path, text)
  const { name } = parseScriptName(inner)
  if (fileOf(name) !== path) throw new Fault('source.bad_file', 400, `${path}: rename it to ${fileOf(name)}`)
  // An empty file is no script, as in the original; what it belongs to is there.
  if (text.trim() !== '') {
    checkScriptText(name, text)
    wanted.scripts.set(name, text)
  }
  const parsed = parseScriptName(name)
  if (parsed.kind === 'api' && !wanted.apis.has(parsed.api)) wanted.apis.set(parsed.api, null)
  if (parsed.kind === 'scheduler' && !wanted.jobs.has(parsed.job)) wanted.jobs.set(parsed.job, null)
  return null
}

function readJsonFile(wanted: Wanted, path: string, text: string): string | null {
  const [, folder = '', name = ''] = /^([a-z]+)\/(.+)\.json$/.exec(path.slice(SOURCE_ROOT.length + 1)) ?? []
  switch (folder) {
    case 'table':
      requireTableName(name)
      wanted.tables.set(name, parseTableFile(path, text))
      return null
    case 'api':
      if (!isApiName(name)) throw new Fault('source.bad_file', 400, `${path}: '${name}' cannot be the name of an API`)
      wanted.apis.set(name, parseApiFile(path, text))
      return null
    case 'scheduler':
      if (!isJobName(name)) throw new Fault('source.bad_file', 400, `${path}: '${name}' cannot be the name of a job`)
      wanted.jobs.set(name, parseJobFile(path, text))
      return null
    case 'shared': {
      const script = `shared/${name}.json`
      // Such as settings of an editor.
      if (!JSON_MODULE.test(script)) return `${path} is stored, and not read`
      checkScriptText(parseScriptName(script).name, text)
      wanted.scripts.set(script, text)
      return null
    }
    default:
      if (path !== PUSH_FILE) return `${path} is stored, and not read`
      wanted.push = parsePushFile(path, text)
      return null
  }
}

// What belongs together, and to what is there.
function relationProblems(wanted: Wanted, known: Known): string[] {
  const problems: string[] = []
  for (const name of wanted.scripts.keys()) {
    if (!name.startsWith('table/')) continue
    const parsed = parseScriptName(name)
    if (parsed.kind !== 'table' || wanted.tables.has(parsed.table)) continue
    const there = known.tables.find((one) => one.toLowerCase() === parsed.table.toLowerCase())
    if (there === undefined) {
      problems.push(
        `${fileOf(name)}: there is no table '${parsed.table}'; ${jsonFileOf('table', parsed.table)} makes one`,
      )
    } else if (there !== parsed.table) {
      problems.push(`${fileOf(name)}: the table is called '${there}'; name the file so`)
    }
  }
  for (const [folder, given, there] of [
    ['table', wanted.tables, known.tables],
    ['api', wanted.apis, known.apis],
    ['scheduler', wanted.jobs, known.jobs],
  ] as const) {
    for (const name of given.keys()) {
      const other = there.find((one) => one.toLowerCase() === name.toLowerCase() && one !== name)
      if (other !== undefined)
        problems.push(`${SOURCE_ROOT}/${folder}/${name}: it is called '${other}'; name the file so`)
    }
  }
  const modules = [...wanted.scripts].filter(([name]) => MODULE_NAME.test(name))
  const bytes = modules.reduce((sum, [, text]) => sum + Buffer.byteLength(text), 0)
  if (bytes > MODULES_BYTES_MAX) {
    problems.push(
      `custom APIs, shared modules and JSON have ${bytes} bytes together; ${MODULES_BYTES_MAX} are the most`,
    )
  }
  if (wanted.scripts.has(LOCK_FILE) && !wanted.scripts.has(PACKAGE_FILE)) {
    problems.push(`${fileOf(LOCK_FILE)}: there is no ${PACKAGE_FILE} beside it`)
  }
  return problems
}

function lineOf(path: string, fault: Fault): string {
  const message = messageOf(fault)
  return message.startsWith(`${path}:`) ? message : `${path}: ${message}`
}
