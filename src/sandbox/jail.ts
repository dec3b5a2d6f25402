// The folder that becomes a sandbox's root: places for Node and its libraries, which are mounted there, and the sandbox's
// own code, with types stripped. Made once by each runtime.
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { access, chmod, constants, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { createRequire, stripTypeScriptTypes } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { makeFolders, removeTree } from '../kit/files.ts'
import { NPM_WORK_BYTES_MAX } from '../kit/limits.ts'
import { sourceUrl } from '../kit/sources.ts'
import { type BorderFacts, CODE_INSIDE, NODE_INSIDE, TOOLS, type Tools, WORK_INSIDE } from './border.ts'

/** What a jail is for: its own code, what of this machine is seen in it, and a folder that may be written to. */
export type JailPlan = {
  code: string[]
  /** Beside that: libraries by name, each with its files. */
  libraries: Record<string, string[]>
  folders: { from: string; inside: string }[]
  work: { inside: string; bytes: number } | null
}

/** Where a service's npm modules are, seen from inside. */
export const MODULES_INSIDE = '/service/node_modules'

/** Of a jail that installs npm modules; `npmFolder`: where npm is on this machine. */
export function npmPlan(npmFolder: string): JailPlan {
  return {
    code: INSTALLER_CODE,
    libraries: {},
    folders: [{ from: npmFolder, inside: NPM_INSIDE }],
    work: { inside: WORK_INSIDE, bytes: NPM_WORK_BYTES_MAX },
  }
}

/** Where npm is, seen from inside. */
export const NPM_INSIDE = '/npm'

const CODE = [
  'main',
  'api-call',
  'call-under-way',
  'contexts',
  'errors',
  'extension-call',
  'fetch-call',
  'http-modules',
  'filter-function',
  'frames',
  'intrinsics',
  'kept-contexts',
  'module-world',
  'node-modules',
  'npm-require',
  'push-calls',
  'script-api',
  'script-call',
  'script-extension',
  'script-globals',
  'script-libraries',
  'script-push',
  'script-queries',
  'script-side',
  'script-sql',
  'script-startup',
  'script-tables',
  'sight',
  'sql-calls',
  'sql-text',
  'status-codes',
  'tame-scripts',
  'timers',
  'wire',
  'wns-templates',
]
const INSTALLER_CODE = ['install-main', 'frames', 'registry-agent', 'sight']
/** Of the kit: it is needed on both sides. */
const KIT_CODE = ['../kit/module-text']
// Libraries that our code needs, or that scripts are given, with what they need themselves: files, or folders with all
// the code in them. They lie where Node looks for them.
const LIBRARIES: Record<string, string[]> = {
  acorn: ['dist/acorn.js'],
  async: ['dist/async.js'],
  sax: ['lib'],
  'sprintf-js': ['src/sprintf.js'],
  underscore: ['underscore-node.cjs', 'underscore-node-f.cjs'],
  'underscore.string': ['.', 'helper'],
  'util-deprecate': ['node.js'],
  xml2js: ['lib'],
  xmlbuilder: ['lib'],
}
/** Of a sandbox that runs scripts. */
const SCRIPTS_PLAN: JailPlan = { code: CODE, libraries: LIBRARIES, folders: [], work: null }
/** Beside the bundles: that code as it lies in sandboxes. Beside this file there is none. */
export const BUILT_CODE = 'sandbox'
const TOOL_FOLDERS = ['/usr/bin', '/bin', '/usr/sbin', '/sbin']
const READ_ONLY = 'bind,ro,nosuid,nodev'

export type Jail = BorderFacts & { entries: string[] }

/** Makes it below `folder`, anew. */
export async function makeJail(folder: string, plan: JailPlan = SCRIPTS_PLAN): Promise<Jail> {
  const root = join(folder, 'root')
  const mounts = join(folder, 'mounts')
  await removeTree(folder)
  for (const name of [...plan.code, ...KIT_CODE]) {
    const file = `${basename(name)}.mjs`
    // Stripping types takes a tool that is slow to load.
    const built = new URL(`${BUILT_CODE}/${file}`, import.meta.url)
    await put(join(root, CODE_INSIDE, file), existsSync(built) ? await readFile(built, 'utf8') : strippedCode(name))
  }
  const libraries = Object.entries(plan.libraries)
  await Promise.all(
    libraries.map(async ([name, files]) => {
      await putLibrary(name, files, join(root, CODE_INSIDE, 'node_modules', name))
    }),
  )
  const node = process.execPath
  // Programs need not be allowed in the folder itself, only in what is mounted in it.
  const lines = [mountLine(root, root, `${READ_ONLY},noexec`)]
  const programs = [
    { from: node, inside: NODE_INSIDE },
    ...listLibraries().map((path) => ({ from: path, inside: path })),
  ]
  for (const { from, inside } of programs) {
    await put(join(root, inside), '')
    lines.push(mountLine(from, join(root, inside), READ_ONLY))
  }
  const { folders, work } = plan
  for (const { from, inside } of folders) {
    await makeFolders(join(root, inside))
    lines.push(mountLine(from, join(root, inside), `${READ_ONLY},noexec`))
  }
  if (work) {
    await makeFolders(join(root, work.inside))
    // Where nothing can be mounted it is this very folder that is written to.
    await chmod(join(root, work.inside), 0o1777)
    const options = `size=${work.bytes},mode=1777,nosuid,nodev,noexec`
    lines.push(`tmpfs ${escaped(join(root, work.inside))} tmpfs ${options} 0 0\n`)
  }
  await put(mounts, lines.join(''))
  const inside = [...programs, ...folders, ...(work ? [work] : [])].map((one) => one.inside)
  const entries = [...inside, CODE_INSIDE].map((path) => path.split('/')[1] ?? '')
  const isRoot = process.getuid?.() === 0
  return { isRoot, tools: await findTools(), node, root, mounts, entries }
}

/** The same jail for processes of one service: with its npm modules, which lie in `modules`, in it. */
export async function withModules(jail: Jail, modules: string): Promise<Jail> {
  const { root, mounts } = jail
  const place = join(root, MODULES_INSIDE)
  await makeFolders(place)
  const own = `${mounts}.${createHash('sha256').update(modules).digest('hex').slice(0, 16)}`
  const lines = await readFile(mounts, 'utf8')
  await put(own, `${lines}${mountLine(modules, place, `${READ_ONLY},noexec`)}`)
  return { ...jail, mounts: own }
}

/** The name of its file, and its text, of all the code of ours that lies in sandboxes; for `build/roles.ts`. */
export function sandboxCode(): [string, string][] {
  const names = new Set([...CODE, ...INSTALLER_CODE, ...KIT_CODE])
  return [...names].map((name) => [`${basename(name)}.mjs`, strippedCode(name)])
}

function strippedCode(name: string): string {
  const text = readFileSync(sourceUrl(`sandbox/${name}.ts`), 'utf8')
  // Node warns that this function may change; the version of Node is pinned.
  const warn = process.emitWarning
  process.emitWarning = () => {}
  try {
    return stripTypeScriptTypes(text).replace(/from '\.{1,2}\/(?:kit\/)?([\w-]+)\.ts'/g, "from './$1.mjs'")
  } finally {
    process.emitWarning = warn
  }
}

async function putLibrary(name: string, files: string[], folder: string): Promise<void> {
  const { resolve } = createRequire(import.meta.url)
  const from = dirname(resolve(`${name}/package.json`))
  for (const file of ['package.json', ...files]) {
    const isFolder = (await stat(join(from, file))).isDirectory()
    const names = isFolder ? (await readdir(join(from, file))).filter((one) => one.endsWith('.js')) : ['']
    const copy = async (one: string) => {
      await put(join(folder, file, one), await readFile(join(from, file, one), 'utf8'))
    }
    await Promise.all(names.map(copy))
  }
}

// What this very process has loaded is what another Node needs.
function listLibraries(): string[] {
  const report = process.report.getReport() as { sharedObjects?: string[] }
  const paths = (report.sharedObjects ?? []).filter((path) => path.startsWith('/') && path !== process.execPath)
  return [...new Set(paths)].filter((path) => !path.endsWith('.node'))
}

async function isExecutable(path: string): Promise<boolean> {
  return await access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}

async function findTools(): Promise<Tools> {
  const tools: Tools = {}
  for (const name of TOOLS) {
    for (const folder of TOOL_FOLDERS) {
      const path = join(folder, name)
      if (await isExecutable(path)) tools[name] ??= path
    }
  }
  return tools
}

// Whatever our umask is: another user reads it.
async function put(path: string, text: string): Promise<void> {
  await makeFolders(dirname(path))
  await writeFile(path, text)
  await chmod(path, 0o644)
}

function mountLine(from: string, to: string, options: string): string {
  return `${escaped(from)} ${escaped(to)} none ${options} 0 0\n`
}

function escaped(path: string): string {
  return path.replace(/[\s\\]/g, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`)
}
